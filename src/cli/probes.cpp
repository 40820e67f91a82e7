#include "cli/probes.h"

#include <algorithm>
#include <array>

namespace filbert::cli {
namespace {

// Common words, no names, all letters that the language writes if they fit in: a vocabulary for it has them, whole or in pieces.
constexpr std::array kProbes = {
    Probe{"English", 0,
          "I bought this book last week and read it in two days. The story is beautiful, but the end came too soon. My sister and our friends "
          "like it very much, so we will give it to the children next year."},
    Probe{"German", 0,
          "Ich habe dieses Buch letzte Woche gekauft und in zwei Tagen gelesen. Die Geschichte ist schön, aber das Ende kam zu früh. Meine "
          "Schwester und unsere Freunde mögen es sehr, deshalb schenken wir es nächstes Jahr den Kindern."},
    Probe{"Dutch", 0,
          "Ik heb dit boek vorige week gekocht en in twee dagen gelezen. Het verhaal is mooi, maar het einde kwam te vroeg. Mijn zus en onze "
          "vrienden vinden het erg leuk, dus geven we het volgend jaar aan de kinderen."},
    Probe{"Swedish", 0,
          "Jag köpte den här boken förra veckan och läste den på två dagar. Historien är vacker, men slutet kom för tidigt. Min syster och våra "
          "vänner tycker mycket om den, så vi ger den till barnen nästa år."},
    Probe{"Danish", 0,
          "Jeg købte denne bog i sidste uge og læste den på to dage. Historien er smuk, men slutningen kom for tidligt. Min søster og vores "
          "venner kan godt lide den, så vi giver den til børnene næste år."},
    Probe{"Norwegian", 0,
          "Jeg kjøpte denne boken forrige uke og leste den på to dager. Historien er vakker, men slutten kom for tidlig. Søsteren min og vennene "
          "våre liker den veldig godt, så vi gir den til barna neste år."},
    Probe{"French", 0,
          "J'ai acheté ce livre la semaine dernière et je l'ai lu en deux jours. L'histoire est belle, mais la fin est venue trop tôt. Ma sœur et "
          "nos amis l'aiment beaucoup, alors nous le donnerons aux enfants l'année prochaine."},
    Probe{"Spanish", 0,
          "Compré este libro la semana pasada y lo leí en dos días. La historia es hermosa, pero el final llegó demasiado pronto. A mi hermana y a "
          "nuestros amigos les gusta mucho, así que se lo daremos a los niños el próximo año."},
    Probe{"Portuguese", 0,
          "Comprei este livro na semana passada e li em dois dias. A história é bonita, mas o fim chegou cedo demais. A minha irmã e os nossos "
          "amigos gostam muito dele, por isso vamos dá-lo às crianças no próximo ano."},
    Probe{"Italian", 0,
          "Ho comprato questo libro la settimana scorsa e l'ho letto in due giorni. La storia è bella, ma la fine è arrivata troppo presto. A mia "
          "sorella e ai nostri amici piace molto, quindi lo daremo ai bambini l'anno prossimo."},
    Probe{"Romanian", 0,
          "Am cumpărat această carte săptămâna trecută și am citit-o în două zile. Povestea este frumoasă, dar sfârșitul a venit prea devreme. "
          "Surorii mele și prietenilor noștri le place foarte mult, așa că anul viitor o vom da copiilor."},
    Probe{"Polish", 0,
          "Kupiłem tę książkę w zeszłym tygodniu i przeczytałem ją w dwa dni. Historia jest piękna, ale koniec przyszedł za wcześnie. Moja siostra "
          "i nasi przyjaciele bardzo ją lubią, więc w przyszłym roku damy ją dzieciom."},
    Probe{"Czech", 0,
          "Tuto knihu jsem koupil minulý týden a přečetl ji za dva dny. Příběh je krásný, ale konec přišel příliš brzy. Moje sestra a naši přátelé "
          "ji mají velmi rádi, takže ji příští rok dáme dětem."},
    Probe{"Hungarian", 0,
          "Ezt a könyvet a múlt héten vettem, és két nap alatt elolvastam. A történet szép, de a vége túl korán jött. A nővérem és a barátaink "
          "nagyon szeretik, ezért jövőre a gyerekeknek adjuk."},
    Probe{"Finnish", 0,
          "Ostin tämän kirjan viime viikolla ja luin sen kahdessa päivässä. Tarina on kaunis, mutta loppu tuli liian pian. Siskoni ja ystävämme "
          "pitävät siitä paljon, joten annamme sen lapsille ensi vuonna."},
    Probe{"Turkish", 0,
          "Bu kitabı geçen hafta aldım ve iki günde okudum. Hikâye güzel ama sonu çok erken geldi. Kız kardeşim ve arkadaşlarımız onu çok seviyor, "
          "bu yüzden gelecek yıl çocuklara vereceğiz."},
    Probe{"Indonesian", 0,
          "Saya membeli buku ini minggu lalu dan membacanya dalam dua hari. Ceritanya indah, tetapi akhirnya datang terlalu cepat. Kakak saya dan "
          "teman-teman kami sangat menyukainya, jadi tahun depan kami akan memberikannya kepada anak-anak."},
    Probe{"Vietnamese", 0,
          "Tôi đã mua cuốn sách này tuần trước và đọc nó trong hai ngày. Câu chuyện rất đẹp, nhưng kết thúc đến quá sớm. Chị tôi và bạn bè của "
          "chúng tôi rất thích nó, vì vậy năm sau chúng tôi sẽ tặng nó cho bọn trẻ."},
    Probe{"Russian", 0,
          "Я купил эту книгу на прошлой неделе и прочитал её за два дня. История красивая, но конец наступил слишком рано. Моей сестре и нашим "
          "друзьям она очень нравится, поэтому в следующем году мы подарим её детям."},
    Probe{"Ukrainian", 0,
          "Я купив цю книгу минулого тижня і прочитав її за два дні. Історія гарна, але кінець настав занадто рано. Моїй сестрі та нашим друзям "
          "вона дуже подобається, тому наступного року ми подаруємо її дітям."},
    Probe{"Bulgarian", 0,
          "Купих тази книга миналата седмица и я прочетох за два дни. Историята е красива, но краят дойде твърде рано. Сестра ми и нашите приятели "
          "много я харесват, затова догодина ще я дадем на децата."},
    Probe{"Greek", 0,
          "Αγόρασα αυτό το βιβλίο την περασμένη εβδομάδα και το διάβασα σε δύο μέρες. Η ιστορία είναι όμορφη, αλλά το τέλος ήρθε πολύ νωρίς. Στην "
          "αδελφή μου και στους φίλους μας αρέσει πολύ, γι' αυτό θα το δώσουμε στα παιδιά του χρόνου."},
    Probe{"Arabic", 0,
          "اشتريت هذا الكتاب الأسبوع الماضي وقرأته في يومين. القصة جميلة، لكن النهاية جاءت مبكرا جدا. أختي وأصدقاؤنا يحبونه كثيرا، لذلك سنعطيه "
          "للأطفال في السنة القادمة."},
    Probe{"Persian", 0,
          "این کتاب را هفته گذشته خریدم و در دو روز خواندم. داستان زیباست، اما پایان آن خیلی زود رسید. خواهرم و دوستان ما آن را بسیار دوست دارند، "
          "پس سال آینده آن را به کودکان می دهیم."},
    Probe{"Hebrew", 0,
          "קניתי את הספר הזה בשבוע שעבר וקראתי אותו ביומיים. הסיפור יפה, אבל הסוף הגיע מוקדם מדי. אחותי והחברים שלנו אוהבים אותו מאוד, ולכן ניתן "
          "אותו לילדים בשנה הבאה."},
    Probe{"Hindi", 0,
          "मैंने यह किताब पिछले हफ्ते खरीदी और दो दिन में पढ़ ली। कहानी सुंदर है, लेकिन अंत बहुत जल्दी आ गया। मेरी बहन और हमारे दोस्तों को यह बहुत "
          "पसंद है, इसलिए अगले साल हम इसे बच्चों को देंगे।"},
    Probe{"Bengali", 0,
          "আমি গত সপ্তাহে এই বইটি কিনেছি এবং দুই দিনে পড়েছি। গল্পটি সুন্দর, কিন্তু শেষটা খুব তাড়াতাড়ি এসেছে। আমার বোন এবং আমাদের বন্ধুরা এটি খুব "
          "পছন্দ করে, তাই আগামী বছর আমরা এটি শিশুদের দেব।"},
    Probe{"Tamil", 0,
          "நான் கடந்த வாரம் இந்த புத்தகத்தை வாங்கி இரண்டு நாட்களில் படித்தேன். கதை அழகாக இருக்கிறது, ஆனால் முடிவு மிக விரைவில் வந்தது. என் "
          "சகோதரிக்கும் எங்கள் நண்பர்களுக்கும் இது மிகவும் பிடிக்கும், எனவே அடுத்த ஆண்டு இதை குழந்தைகளுக்கு கொடுப்போம்."},
    Probe{"Thai", 40,
          "ฉันซื้อหนังสือเล่มนี้เมื่อสัปดาห์ที่แล้วและอ่านจบในสองวัน เรื่องราวสวยงาม แต่ตอนจบมาเร็วเกินไป น้องสาวของฉันและเพื่อนของเราชอบมันมาก "
          "ปีหน้าเราจึงจะให้มันแก่เด็ก"},
    Probe{"Chinese", 42, "我上周买了这本书，两天就读完了。故事很美，但是结局来得太早。我的姐姐和我们的朋友都非常喜欢它，所以明年我们会把它送给孩子们。"},
    Probe{"Japanese", 39, "先週この本を買って、二日で読みました。物語は美しいですが、終わりが早すぎました。姉と友達はこの本がとても好きなので、来年は子供たちにあげるつもりです。"},
    Probe{"Korean", 0,
          "나는 지난주에 이 책을 사서 이틀 만에 읽었다. 이야기는 아름답지만 끝이 너무 빨리 왔다. 내 여동생과 우리 친구들이 아주 좋아해서 내년에 "
          "아이들에게 줄 것이다."},
};

}  // namespace

std::span<const Probe> probes() { return kProbes; }

std::size_t word_count(const Probe& probe) {
  return probe.words != 0 ? probe.words : static_cast<std::size_t>(std::ranges::count(probe.text, ' ')) + 1;
}

}  // namespace filbert::cli
