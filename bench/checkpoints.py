"""What the checkpoints of the benchmark are: the family's classes of transformers, and what is not their default."""

CLS, SEP = 101, 102  # where bert-base-uncased has them
CHECKPOINTS = {
    "bert-base": ("Bert", {}),
    "bert-large": ("Bert", dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)),
    "minilm-l6": ("Bert", dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)),
    "distilbert": ("DistilBert", {}),
    # The base size of each family, where its configuration class does not say it by itself.
    "ernie": ("Ernie", {}),
    "roberta": ("Roberta", dict(max_position_embeddings=514, type_vocab_size=1)),
    "xlm-roberta": ("XLMRoberta", dict(max_position_embeddings=514, type_vocab_size=1)),
    "camembert": ("Camembert", dict(max_position_embeddings=514, type_vocab_size=1)),
    "electra": ("Electra", dict(embedding_size=768, hidden_size=768, num_attention_heads=12, intermediate_size=3072)),
    "albert": ("Albert", dict(hidden_size=768, num_attention_heads=12, intermediate_size=3072)),
    "mpnet": ("MPNet", dict(max_position_embeddings=514)),
    "deberta": ("Deberta", dict(relative_attention=True, pos_att_type="c2p|p2c", position_biased_input=False)),
    "deberta-v3": ("DebertaV2", dict(hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
                                     relative_attention=True, pos_att_type="p2c|c2p", position_biased_input=False, position_buckets=256,
                                     share_att_key=True, norm_rel_ebd="layer_norm")),
    "modernbert": ("ModernBert", dict(pad_token_id=0, bos_token_id=CLS, eos_token_id=SEP, cls_token_id=CLS, sep_token_id=SEP)),
    "xlnet": ("XLNet", dict(d_model=768, n_layer=12, n_head=12, d_inner=3072)),
    "convbert": ("ConvBert", {}),
    "mobilebert": ("MobileBert", {}),
    "roformer": ("RoFormer", {}),
    "nystromformer": ("Nystromformer", {}),
}
WITH_VOCABULARY = ["Bert", "DistilBert"]  # the others run on ids alone
