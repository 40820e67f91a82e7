// Filbert: classifies text with BERT checkpoints, on CPUs. Everything public.
#pragma once

#include <filbert/attention.h>
#include <filbert/calibrate.h>
#include <filbert/config.h>
#include <filbert/contexts.h>
#include <filbert/convert.h>
#include <filbert/decision.h>
#include <filbert/drift.h>
#include <filbert/encoder.h>
#include <filbert/entities.h>
#include <filbert/error.h>
#include <filbert/evaluate.h>
#include <filbert/explain.h>
#include <filbert/explain_corpus.h>
#include <filbert/explain_entity.h>
#include <filbert/gradients.h>
#include <filbert/hub.h>
#include <filbert/model.h>
#include <filbert/pipeline.h>
#include <filbert/postprocess.h>
#include <filbert/prune_vocab.h>
#include <filbert/quantize.h>
#include <filbert/rollout.h>
#include <filbert/tensor.h>
#include <filbert/tokenizer.h>
#include <filbert/version.h>
