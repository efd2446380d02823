# ruff: noqa: RUF001 - these are words of many languages
"""Column names of WooCommerce's product CSV in the languages of its sites.

Each text has the English name first, then the translations of all languages and versions,
separated by `|`. Case, spaces and punctuation only count where two columns differ in nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "id": "ID|Identyfikator|Kimlik|المعرف|شناسه|આઈડી|Azonosító|ИД|代碼",
        "type": (
            "Type|Tip|Typ|Tipo|Rodzaj|Laji|Тип|Tür|タイプ|النوع|Вид|Tipus|Τύπος|Tüüp|نوع|પ્રકાર|"
            "Vrsta|Típus|Tipe|형식|Tipas|ชนิด|Loại|类型|類型"
        ),
        "sku": (
            "SKU|Šifra proizvoda|Artikelnummer|UGS|COD|REF|Artikelnr|Varenummer|Produktnr|"
            "Tuotetunnus (SKU)|Katalógové číslo|Артикул|Stok kodu (SKU)|رمز المنتج (SKU)|Код|"
            "Κωδικός προϊόντος|Tootekood|شناسه محصول|Cikkszám|Prekės kodas|Šifra|Шифра производа|"
            "รหัสสินค้า|Mã sản phẩm|貨號"
        ),
        "gtin": (
            "GTIN, UPC, EAN, or ISBN|GTIN|EAN|UPC|ISBN|Barcode|GTIN, UPC, EAN oder ISBN|"
            "GTIN, UPC, EAN ou ISBN|GTIN, UPC, EAN o ISBN|GTIN, UPC, EAN of ISBN|"
            "GTIN, UPC, EAN lub ISBN|GTIN, UPC, EAN eller ISBN|GTIN, UPC, EAN, nebo ISBN|"
            "GTIN, UPC, EAN veya ISBN|GTIN، أو UPC، أو EAN، أو ISBN|GTIN, UPC, EAN, ή ISBN|"
            "GTIN, UPC, EAN, અથવા ISBN|GTIN, UPC, EAN ili ISBN|GTIN, UPC, EAN sau ISBN|"
            "GTIN, UPC, EAN ali ISBN"
        ),
        "name": (
            "Name|Ime|Nom|Nombre|Nome|Naam|Nazwa|Namn|Navn|Nimi|Jméno|Meno|Имя|İsim|名前|الاسم|"
            "Име|Όνομα|نام|નામ|Naziv|Név|Nama|이름|Pavadinimas|Nume|ชื่อ|Ім'я|Tên|名称|名稱"
        ),
        "published": (
            "Published|Objavljeno|Veröffentlicht|Publié|Publicado|Pubblicato|Gepubliceerd|"
            "Opublikowano|Opublikowany|Publicerad|Udgivet|Publisert|Julkaistu|Publikovaný|"
            "Publikované|Опубликован|Yayımlanmış|公開済み|تم النشر|Публикувано|Publicat|"
            "Δημοσιευμένο|Avaldatud|منتشر شده|પ્રકાશિત|Közzétéve|Telah Terbit|발행됨|Paskelbtas|"
            "Објављено|เผยแพร่แล้ว|Опубліковано|Đã đăng|已发布|已發佈"
        ),
        "featured": (
            "Is featured?|Da li je izdvojen?|Ist hervorgehoben?|Mis en avant ?|¿Está destacado?|"
            "In primo piano?|Uitgelicht?|Em destaque?|Wyróżniony produkt?|Är utvald?|"
            "Er fremhævet (udvalgt)?|Er fremhevet?|On esittelyssä?|Je doporučený?|Je odporúčaný?|"
            "рекомендуемый?|Öne çıkan?|オススメですか ?|هل هي مميزة؟|Подбран ли е?|"
            "Està destacat?|Είναι προτεινόμενο;|Esiletõstetud?|آیا ویژه است؟|ફીચર્ડ છે?|"
            "Istaknuto?|Kiemelt?|Apakah diunggulkan?|추천 상품입니까?|Rekomenduojamas?|"
            "Este reprezentativ?|Je izpostavljen?|Да ли је издвојен?|เป็นรายการเด่นหรือไม่|"
            "Рекомендовано?|Nhãn nổi bật?|是推荐产品？|是特色商品？"
        ),
        "visibility": (
            "Visibility in catalog|Catalog visibility|Vidljivost u katalogu|"
            "Sichtbarkeit im Katalog|Visibilité dans le catalogue|Visibilidad en el catálogo|"
            "Visibilità nel catalogo|Zichtbaarheid in catalogus|Visibilidade no catálogo|"
            "Widoczność w katalogu|Synlighet i katalog|Synlighed i katalog (shoppens frontend)|"
            "Synlighet i katalogen|Näkyvyys tuoteluettelossa|Viditelnost v katalogu|"
            "Viditeľnosť v katalógu|Видимость в каталоге|Katalogda görünürlük|カタログでの表示|"
            "表示されるカテゴリー|إمكانية العرض في الكاتلوج|Видимост в каталога|"
            "Visibilitat en el catàleg|Ορατότητα στον κατάλογο|Visibility in catalogue|"
            "Nähtavus kataloogis|قابل مشاهده در کاتالوگ|સૂચિમાં દૃશ્યતા|Látható a katalógusban|"
            "Kenampakan pada katalog|카탈로그에 표시 여부|Matomumas kataloge|"
            "Vizibilitate în catalog|Vidnost v katalogu|Видљивост у каталогу|"
            "การมองเห็นในแค็ตตาล็อก|Видимість в каталозі|Hiển thị trong danh mục|在列表页可见|"
            "目錄的可見度"
        ),
        "short": (
            "Short description|Kratak opis|Kurzbeschreibung|Description courte|Descripción corta|"
            "Breve descrizione|Korte beschrijving|Korte omschrijving|Descrição breve|"
            "Descrição curta|Krótki opis|Kort beskrivning|Kort beskrivelse|Lyhyt kuvaus|"
            "Krátký popis|Krátky popis|Краткое описание|Короткое описание|Kısa açıklama|"
            "簡単な説明|وصف قصير|Кратко описание|Descripció curta|Σύντομη περιγραφή|"
            "Lühikirjeldus|توضیح کوتاه|ટૂંકું વર્ણન|Rövid leírás|Deskripsi singkat|간단한 설명|"
            "Trumpas apibūdinimas|Descriere scurtă|Kratek opis|Кратак опис|คำอธิบายแบบย่อ|"
            "Короткий опис|Mô tả ngắn|简短描述|簡短內容說明|簡短描述"
        ),
        "description": (
            "Description|Opis|Beschreibung|Descripción|Descrizione|Beschrijving|Descrição|"
            "Beskrivning|Beskrivelse|Kuvaus|Popis|Описание|Açıklama|説明|الوصف|Descripció|"
            "Περιγραφή|Kirjeldus|توضیحات|વર્ણન|Leírás|Deskripsi|설명|Aprašymas|Descriere|Опис|"
            "รายละเอียดเพิ่มเติม|รายละเอียด|Mô tả|描述"
        ),
        "sale_starts": (
            "Date sale price starts|Datum početka prodaje.|"
            "Datum, an dem der Angebotspreis beginnt|Datum, an dem Angebotspreis beginnt|"
            "Date de début de promo|Día en que empieza el precio rebajado|"
            "Data di partenza del prezzo in saldo|Startdatum actieprijs|"
            "Data de início do preço promocional|Data de preço promocional começa em|"
            "Data rozpoczęcia promocji|Datum när reapriset börjar|"
            "Den dato hvor tilbudsprisen starter|Startdato for utsalgspris|"
            "Alennuksen aloituspäivä|Akční cena začíná dne|Dátum začiatku zľavy|"
            "Дата начала действия скидки|Дата начала действия продажной цены|"
            "İndirimli fiyatın başladığı tarih|セール価格の開始日|تاريخ بدء سعر التخفيض|"
            "Начална дата на намалението|Dia en què comença el preu rebaixat|"
            "Ημερομηνία έναρξης εκπτωτικής τιμής|Soodushinna alguskuupäev|تاریخ شروع فروش ویژه|"
            "વેચાણ કિંમત તારીખ શરૂ|Datum početka sniženja|Akciós ár első napja|"
            "Tanggal harga diskon dimulai|판매 가격 시작 날짜|Akcijinės kainos galiojimo pradžia|"
            "Dată începere promoție|Začetni datum akcijske cene|Датум почетка продаје.|"
            "วันเริ่มต้นลดราคา|Початок акції|Ngày bắt đầu giảm giá|促销开始日期|折扣價開始日期"
        ),
        "sale_ends": (
            "Date sale price ends|Datum prestanka rasprodaje|"
            "Datum, an dem der Angebotspreis endet|Datum, an dem Angebotspreis endet|"
            "Date de fin de promo|Día en que termina el precio rebajado|"
            "Data in cui termina l'offerta|Termine data del prezzo di vendita|"
            "Einddatum actieprijs|Data de término do preço promocional|"
            "Data de preço promocional termina em|Data zakończenia promocji|"
            "Datum när reapriset upphör|Den dato hvor tilbudsprisen slutter|"
            "Sluttdato for utsalgspris|Alennuksen päättymispäivä|Akční cena končí dne|"
            "Dátum konca akciovej ceny|Дата окончания действия скидки|"
            "Дата окончания действия продажной цены|İndirimli fiyatın bittiği tarih|"
            "セール価格の終了日|تاريخ نهاية سعر التخفيض|Крайна дата на намалението|"
            "Dia en què acaba el preu rebaixat|Ημερομηνία λήξης εκπτωτικής τιμής|"
            "Soodushinna lõpukuupäev|تاریخ پایان فروش ویژه|વેચાણ કિંમત તારીખ સમાપ્ત|"
            "Datum kraja sniženja|Akciós ár utolsó napja|Tanggal harga diskon berakhir|"
            "판매 가격 종료 날짜|Akcijinės kainos galiojimo pabaiga|Dată încheiere promoție|"
            "Končni datum akcijske cene|Датум престанка распродаје|วันสิ้นสุดการลดราคา|"
            "Завершення акції|Ngày kết thúc giảm giá|促销截止日期|折扣價結束日期"
        ),
        "tax_status": (
            "Tax status|Stanje poreza|Steuerstatus|État de la TVA|Estado del impuesto|"
            "Stato delle imposte|Btw status|Situação fiscal|Status do imposto|Status da taxa|"
            "Status podatku|Momsstatus|Avgiftsstatus|Skattestatus|Veron tila|Stav daně|"
            "Zdaniteľnosť|Статус налога|Vergi durumu|課税ステータス|税状況|حالة الضريبة|"
            "Състояние на таксата|Estat de l'impost|Κατάσταση φόρου|Maksustamine|وضعیت مالیات|"
            "કર સ્થિતિ|Status poreza|Adó státusz|Status pajak|세금 상태|Mokesčių statusas|"
            "Stare taxă|Stanje davka|Стање пореза|สถานะภาษี|Статус податку|Trạng thái thuế|"
            "税状态|稅金狀態"
        ),
        "tax_class": (
            "Tax class|Poreska kategorija|Steuerklasse|Classe de TVA|Classe TVA|"
            "Clase de impuesto|Aliquota di imposta|Belastingklasse|Classe de imposto|"
            "Classe de taxa|Klasa podatkowa|Momsklass|Momsgrupp|Momsklasse|Avgiftsklasse|"
            "Skatteklasse|Veroluokka|Daňová třída|Sadzba dane|Налоговый класс|Vergi sınıfı|"
            "税区分|فئة الضريبة|Клас на такса|Classe d'impost|Κατηγορία φόρου|Maksuklass|"
            "کلاس مالیاتی|કર વર્ગ|Klasa poreza|Adózási osztály|Kelas pajak|세금 클래스|"
            "Mokesčių klasė|Clasă de impozitare|Davčni razred|Пореска категорија|กลุ่มภาษี|"
            "Клас податку|Lớp thuế|税类|稅率類別"
        ),
        "in_stock": (
            "In stock?|Na zalihama?|Vorrätig?|En stock ?|¿Existencias?|¿En inventario?|"
            "Op voorraad?|Em stock?|Em estoque?|W magazynie?|I lager?|På lager?|Varasto?|"
            "Skladem?|Na sklade?|В наличии?|Stokta?|在庫の有無|متوفر؟|В наличност?|En estoc?|"
            "Σε απόθεμα;|Laos?|در انبار؟|En Stock&nbsp;?|ઉપલબ્ધ છે?|Na zalihi?|Raktáron?|"
            "Stok tersedia?|재고가 있나요?|Turime?|În stoc?|Na zalogi?|На залихама?|"
            "มีสินค้าในคลังสินค้า?|В наявності?|Còn hàng?|有货？|有庫存？"
        ),
        "stock": (
            "Stock|Zalihe|Bestand|Lager|Inventario|Magazzino|Voorraad|Estoque|Stan magazynowy|"
            "Magazyn|Lagersaldo|Varasto|Sklad|Запасы|Stok|在庫|المخزون|Наличност|Estoc|Απόθεμα|"
            "Ladu|انبار|સ્ટોક|Készlet|재고|Atsargos|Stoc|Zaloga|Залихе|คลังสินค้า|Запас|Kho|库存|"
            "庫存"
        ),
        "backorders": (
            "Backorders allowed?|Ön Siparişe İzin Ver?|Avansna prodaja dozvoljena?|"
            "Lieferrückstände erlaubt?|Lieferrückstande erlaubt?|Rückstände erlaubt?|"
            "Autoriser les commandes de produits en rupture ?|"
            "¿Permitir reservas de productos agotados?|Abilita gli ordini arretrati?|"
            "Nabestellingen toestaan?|Permitir encomendas pendentes?|São permitidas encomendas?|"
            "Pozwalać na zamówienia oczekujące (na dostawę do magazynu)?|Tillåt restnoteringar?|"
            "Restorder tillåtet?|Restordrer tilladt?|Restordre tillatt?|Salli jälkitoimitukset?|"
            "Povoleno objednávání?|Povoliť objednávky, ak nie je na sklade?|"
            "Возможен ли предзаказ?|Задержанный заказ возможен?|Yok satmaya izin?|"
            "お取り寄せを許可する ?|在庫待ちを許可する ?|الطلبات المسبقة مسموحة؟|"
            "Разрешаване на поръчки при изчерпани наличности?|"
            "Permetre reserves de productes esgotats?|Να επιτρέπονται λίστες αναμονής;|"
            "Järeltellimused lubatud?|پیش‌فروش مجاز است؟|બેકઓર્ડરસને મંજૂરી છે?|"
            "Narudžbe na upit dozvoljene?|Függő rendelés engedélyezése?|Perbolehkan inden?|"
            "품절 후 주문이 허용됐습니까?|Leidžiami išankstiniai užsakymai?|"
            "Precomenzile sunt permise?|Dovoljena naročila brez zaloge?|"
            "Авансна продаја дозвољена?|อนุญาตให้จองสินค้าหรือไม่|Дозволити резервування?|"
            "Cho phép đặt trước?|允许缺货下单？|允許無庫存下單嗎？"
        ),
        "sold_individually": (
            "Sold individually?|Prodaje se samostalno?|Nur einzeln verkaufen?|"
            "Vendre individuellement ?|¿Vendido individualmente?|Venduto singolarmente?|"
            "Wordt individueel verkocht?|Vender Individualmente?|Sprzedawany pojedynczo?|"
            "Säljes styckvis?|Sælges enkeltvist?|Solgt individuelt?|Myydäänkö yksittäin?|"
            "Prodávat samostatně?|Predávané individuálne?|Продано индивидуально?|"
            "Ayrı ayrı mı satılıyor?|個別に販売しますか ?|تباع بشكل فردي؟|"
            "Индивидуално продаване?|Venut individualment?|Μεμονωμένη πώληση;|Müüakse üksikuna?|"
            "فروش به صورت جداگانه؟|Vendre individuellement&nbsp;?|વ્યક્તિગત રીતે વેચાય છે?|"
            "Rasprodaja pojedinačno?|Egyedileg értékesítető?|Dijual satu per satu?|"
            "개별 판매 상품입니까?|Parduodama tik po vieną?|Vândut individual?|"
            "Posamična prodaja?|Продаје се самостално?|จำกัดการขายแค่ 1 ชิ้นหรือไม่?|"
            "Продавати окремо?|Bán riêng?|单独出售？|單獨銷售?"
        ),
        "reviews": (
            "Allow customer reviews?|Dozvoli kupcima da napišu recenziju?|"
            "Kundenrezensionen erlauben?|Kundenbewertungen erlauben?|"
            "Autoriser les avis clients ?|¿Permitir valoraciones de clientes?|"
            "Permetti le recensioni clienti?|Klantbeoordelingen toestaan?|"
            "Permitir avaliações de clientes?|Włącz opinie klientów?|Tillåt kundrecensioner?|"
            "Tillad kundeanmeldelser?|Tillat omtaler?|Tillat kundeomtaler?|"
            "Salli asiakkaiden tuotearviot|Povolit zákaznické recenze?|"
            "Umožniť zákazníkom hodnotiť?|Разрешить отзывы от клиентов?|"
            "Müşteri değerlendirmelerine izin verilsin mi?|Müşteri yorumlarına izin?|"
            "カスタマーレビューを許可しますか ?|السماح بمراجعات الزبائن؟|"
            "Да се позволи ли на потребителите да въвеждат отзиви?|"
            "Voleu permetre ressenyes de clients?|Να επιτρέπονται αξιολογήσεις πελάτη;|"
            "Luba klientide arvustusi?|آیا به مشتری اجازه نوشتن نقد داده شود؟|"
            "ગ્રાહક સમીક્ષાઓની મંજૂરી આપશો?|Dopusti recenzije kupaca?|Engedélyezzük az értékelést?|"
            "Izinkan ulasan pelanggan?|고객 리뷰를 허용하시겠습니까?|"
            "Leisti pirkėjų atsiliepimus?|Permiți recenzii de la clienți?|Dovoli mnenja strank?|"
            "Дозволи купцима да напишу рецензију?|เปิดให้ผู้ใช้รีวิวสินค้า?|Дозволити відгуки?|"
            "Cho phép đánh giá của khách hàng?|允许客户评价？|允许顾客评价？|允許客戶評論嗎？"
        ),
        "sale_price": (
            "Sale price|Cena na sniženju|Angebotspreis|Tarif promo|Precio rebajado|"
            "Prezzo in offerta|Actieprijs|Preço promocional|Cena promocyjna|Reapris|Tilbudspris|"
            "Utsalgspris|Alennettu hinta|Akční cena|Cena po zľave|Акционная цена|Цена распродажи|"
            "İndirimli satış fiyatı|セール価格|سعر التخفيض|Промоционална цена:|Preu rebaixat|"
            "Τιμή προσφοράς|Soodushind|قیمت فروش ویژه|વેચાણ કિંમત|Rasprodajna cijena|Akciós ár|"
            "Harga obral|할인 가격|Akcijinė kaina|Kortingsprijs|Preț promoțional|Akcijska cena|"
            "Цена на снижењу|ราคาที่ลด|Ціна зі знижкою|Giá khuyến mãi|促销价格|折扣價"
        ),
        "price": (
            "Regular price|Redovna cena|Regulärer Preis|Tarif régulier|Precio normal|"
            "Prezzo di listino|Reguliere prijs|Preço normal|Preço|Cena|Ordinarie pris|Normalpris|"
            "Ordinær pris|Normaali hinta|Běžná cena|Normálna cena|Базовая цена|Normal fiyat|"
            "標準価格|السعر الافتراضي|Редовна цена:|Preu normal:|Κανονική τιμή|Tavahind|"
            "قیمت عادی|નિયમિત ભાવ|Normalna cijena|Normál ár|Harga normal|정상 가격|"
            "Reguliari kaina|Preț obișnuit|Redna cena|ราคาปกติ|Звичайна ціна|Giá bán thường|"
            "常规售价|原價"
        ),
        "categories": (
            "Categories|Kategorije|Kategorien|Catégories|Categorías|Categorie|Categorieën|"
            "Categorias|Kategorie|Kategorier|Osastot|Kategórie|Категории|Kategoriler|カテゴリー|"
            "التصنيفات|Κατηγορίες|Kategooriad|دسته‌ها|શ્રેણીઓ|Kategória|Kategori|카테고리|"
            "Kategorijos|Categorii|Категорије|หมวดหมู่|Категорії|Danh mục|分类|分類"
        ),
        "tags": (
            "Tags|Oznake|Schlagwörter|Étiquettes|Etiquetas|Tag|Etichette|Znaczniki|Tagi|"
            "Etiketter|Taggar|Stikkord|Avainsanat|Štítky|Tagy|Метки|Etiketler|タグ|الوسوم|"
            "Етикети|Etiquetes|Ετικέτες|Sildid|برچسب‌ها|ટૅગ્સ|Címkék|태그|Žymos|Etichete|Ознаке|"
            "ป้ายกำกับ|Позначки|Từ khóa|标签|標籤"
        ),
        "images": (
            "Images|Slike|Bilder|Imágenes|Immagine|Afbeeldingen|Imagens|Obrazki|Billeder|Kuvat|"
            "Obrázky|Изображения|Görseller|画像|الصور|Imatges|Εικόνες|Pildid|تصاویر|છબીઓ|Képek|"
            "Gambar-gambar|이미지|Paveikslėliai|Imagini|Слике|ไฟล์รูปภาพ|Зображення|Hình ảnh|图片|"
            "圖片"
        ),
        "download_limit": (
            "Download limit|Limit preuzimanja|Limite de téléchargement|Límite de descargas|"
            "Limite di download|Download beperking|Downloadlimiet|Limite de descarregamento|"
            "Limite de downloads|Limite de download|Limit pobrań|Nedladdningsgräns|"
            "Downloadbegrænsning|Nedlastningsbegrensning|Latausraja|Limit stahování|"
            "Limit sťahovania|Лимит загрузок|İndirme sınırı|ダウンロード制限|حدود التنزيل|"
            "Лимит на изтеглянията|Limit de descàrregues|Όριο μεταφόρτωσης|Allalaadimiste limiit|"
            "محدودیت دانلود|ડાઉનલોડ મર્યાદા|Letöltési korlát|Batas unduhan|다운로드 한도|"
            "Atsisiuntimų limitas|Limită de descărcări|Omejitev prenosov|Лимит преузимања|"
            "ลิมิตจำนวนดาวน์โหลด|Ліміт завантажень|Giới hạn tải xuống|下载限制|下載限制"
        ),
        "download_expiry": (
            "Download expiry days|Rok za preuzimanje|Ablauftage des Downloads|"
            "Jours d’expiration du téléchargement|Días de caducidad de la descarga|"
            "Días de expiración de la descarga|Scarica i giorni di scadenza|"
            "Dagen vervaltijd download|Dias para expirar o descarregamento|"
            "Dias para expirar o download|Ważność pobierania|Ladda ner utgångsdagar|"
            "Ladda ned utgångsdagar|Download udløbsdage|Dager til utløpsdato for nedlastingen|"
            "Latauksen vanhenemisaika päivissä|Expirace stahování ve dnech|"
            "Doba platnosti na stiahnutie|Дней срока загрузки|"
            "Число дней до просроченной загрузки|İndirme sona erme günü|ダウンロード有効期限日|"
            "أيام مدة صلاحية التنزيل|Дни на валидност на възможността за изтегляне|"
            "Dies de caducitat de la descàrrega|Ημέρες λήξης μεταφόρτωσης|"
            "Allalaadimise aegumise päevi|روز انقضای دانلود|ડાઉનલોડ સમાપ્તિ દિવસો|"
            "Rok isteka preuzimanja|Letöltés lejárati napok|Tanggal kedaluawarsa unduhan|"
            "다운로드 만료일|Parsisiuntimo galiojimas dienomis|Zile de expirare descărcare|"
            "Dnevi poteka prenosa|Рок за преузимање|วันหมดอายุดาวน์โหลด|"
            "Число днів до закінчення Завантаження|Ngày hết hạn tải về|下载的过期天数|"
            "下載點過期天數"
        ),
        "parent": (
            "Parent|Roditelj|Übergeordnetes Produkt|Superior|Genitore|Hoofd|Pai|Ascendente|"
            "Produto ascendente|Nadrzędny|Element nadrzędny|Rodzic|Överordnad|Förälder|"
            "Overordnet|Forældre|Forelder|Ylempi taso|Nadřazené|Nadradené|Родительский|Ebeveyn|"
            "親|الأب|Родителски|Pare|Γονέας|Ülem|مادر|પેરેન્ટ|Glavni|Szülő|Induk|상위|Tėvinis|"
            "Părinte|Nadrejeni|Родитељ|หลัก|Предок|Gốc|父级|上層"
        ),
        "position": (
            "Position|Pozicija valute|Posición|Posizione|Positie|Posição|Pozycja|Posisjon|Paikka|"
            "Pozice|Pozícia|Позиция|Konum|位置|配置|الموضع|Posició|Θέση|Positsioon|موقعیت|પદ|"
            "Pozicija|Pozíció|Posisi|위치|Poziție|Položaj|Позиција валуте|ตำแหน่ง|Положення|Vị trí"
        ),
        "brands": (
            "Brands|Brand|Markalar|Brendovi|Marken|Marques|Marcas|Marchi|Merken|Marki|Varemærker|"
            "Brändit|Značky|العلامات التجارية|Μάρκες|બ્રાન્ડ્સ|Robne marke|Márkák|Branduri|"
            "Blagovne znamke"
        ),
    }
)
"""The columns that are read, by internal name."""

SIZES: Mapping[str, str] = MappingProxyType(
    {
        "Weight": (
            "Weight|Težina|Gewicht|Poids|Peso|Waga|Vikt|Vægt|Vekt|Paino|Hmotnost|Hmotnosť|Вес|"
            "Ağırlık|重量|الوزن|Тегло|Pes|Βάρος|Kaal|وزن|વજન|Tömeg|Berat|무게|Svoris|Greutate|"
            "Teža|Тежина|น้ำหนัก|Вага|Cân nặng"
        ),
        "Length": (
            "Length|Dužina|Länge|Longueur|Longitud|Lunghezza|Lengte|Comprimento|Długość|Längd|"
            "Længde|Lengde|Pituus|Délka|Dĺžka|Длина|Uzunluk|長さ|الطول|Дължина|Μήκος|Pikkus|"
            "درازا|લંબાઈ|Hosszúság|Panjang|길이|Ilgis|Lungime|Dolžina|Дужина|ยาว|Довжина|Độ dài|"
            "长度|長"
        ),
        "Width": (
            "Width|Širina|Breite|Largeur|Anchura|Ancho|Larghezza|Breedte|Largura|Szerokość|Bredd|"
            "Bredde|Leveys|Šířka|Šírka|Ширина|Genişlik|幅|العرض|Amplada|Πλάτος|Laius|پهنا|પહોળાઈ|"
            "Szélesség|Lebar|폭|Plotis|Lățime|กว้าง|Độ rộng|宽度|寬"
        ),
        "Height": (
            "Height|Visina|Höhe|Hauteur|Altura|Altezza|Hoogte|Wysokość|Höjd|Højde|Høyde|Korkeus|"
            "Výška|Высота|Yükseklik|高さ|الارتفاع|Височина|Alçada|Ύψος|Kõrgus|بلندا|ઊંચાઈ|"
            "Magasság|Tinggi|높이|Aukštis|Înălțime|Višina|Висина|สูง|Висота|Chiều cao|高度|高"
        ),
    }
)
"""The columns with a unit in parentheses, without it, by the English name."""

ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        "name": (
            "Attribute name|Ime atributa|Attribut Name|Nom de l’attribut|Nombre del atributo|"
            "Nome dell'attributo|Attributo nome|Attribuut naam|Naam eigenschap|Atributo nome|"
            "Nome do atributo|Nazwa atrybutu|Attribut namn|Egenskab navn|Attributt navn|"
            "Ominaisuus nimi|Název vlastnosti|Meno vlastnosti|Имя атрибута|Nitelik ismi|"
            "属性 の名前|اسم السمة|Име на атрибута|Nom de l'atribut|Όνομα ιδιότητας|Omaduse nimi|"
            "نام صفت|એટ્રીબ્યુટ નું નામ|Atribut ime|Tulajdonság neve|Nama atribut|속성 이름|"
            "Požymio pavadinimas|Nume atribut|Naziv atributa|Име атрибута|ชื่อคุณสมบัติ|"
            "Назва атрибуту|Tên thuộc tính|属性 名称|屬性 名稱"
        ),
        "values": (
            "Attribute value(s)|Atribut vrednost(i)|Attribut Wert(e)|Valeur(s) de l’attribut|"
            "Valor(es) del atributo|Valore dell'attributo|Attributo valuta(e)|"
            "Attribuut waarde(n)|Waarde eigenschap|Atributo valor(es)|Valores do atributo|"
            "Wartości atrybutu|Attribut värde(n)|Egenskab værdi(er)|Attributt verdi(er)|"
            "Ominaisuus arvo(t)|Hodnota(y) vlastnosti|Значения атрибутов|"
            "Значение(-я) аттрибута(-ов)|Nitelik değer(ler)i|属性 の値|قيمة/قيم السمة|"
            "Стойност(и) на атрибута|Valor(s) de l'atribut|Τιμή(ές) ιδιότητας|"
            "Omaduse väärtus(ed)|مقدار(های) صفت|એટ્રીબ્યુટ મૂલ્ય(ઓ)|Atribut vrijednosti|"
            "Tulajdonság () értéke(i)|Nilai Atribut|속성 값|Požymio reikšmė(s)|"
            "Valoare (valori) atribut|Vrednost(i) atributa|Атрибут вредност(и)|ค่าคุณสมบัติ|"
            "значення атрибуту|Giá trị thuộc tính|属性 值|屬性 值"
        ),
        "visible": (
            "Attribute visible|Atribut je vidljiv|Attribut sichtbar|Attribut visible|"
            "Atributo visible|Attributo visibile|Attribuut zichtbaar|Zichtbare eigenschap|"
            "Atributo visível|Visibilidade do atributo|Atrybut widoczny|Attribut synligt|"
            "Egenskab er synlig|Attributt synlig|Ominaisuus näkyy|Vlastnost viditelnost|"
            "Vlastnosť viditeľná|Видимость атрибута|Nitelik görünür|属性 を表示|عرض السمة|"
            "Атрибутът е видим|Atribut visible|Ιδιότητα ορατή|Omaduse nähtavus|نمایان بودن صفت|"
            "Atribut vidljiv|Tulajdonság láthatósága|Terlihat atribut|속성 표시|Požymis matomas|"
            "Vizibilitate atribut|Viden atribut|Атрибут је видљив|คุณสมบัติภายนอกที่เห็นได้|"
            "Атрибут видимий|Thuộc tính hiển thị|属性 可见|屬性 可見"
        ),
        "global": (
            "Attribute global|Atribut globalno|Attribut global|Atributo global|Attributo globale|"
            "Attribuut globaal|Globale eigenschap|Atrybut : globalny|Attribut globalt|"
            "Egenskab globalt|Attributt global|Ominaisuus kaikkialla käytetty|Vlastnost globální|"
            "Globálna hodnota vlastnosti|Глобальный атрибут|Nitelik genel|属性 のグローバル|"
            "سمة عالمية|Глобален ли е атрибутът|Atribut global|Ιδιότητα καθολική|"
            "Omaduse globaalsus|صفت سراسری|એટ્રીબ્યુટ વૈશ્વિક|Atribut globalni|"
            "Tulajdonság () globális|Global atribut|속성 글로벌|Požymis visuotinis|"
            "Globalni atribut|Атрибут глобално|คุณสมบัติทั่วไป|Атрибут глобальний|"
            "Thuộc tính toàn cục|属性 的全局|屬性 全域"
        ),
        "default": (
            "Attribute default|Attribut Standard|Attribut par défaut|Atributo por defecto|"
            "Attributo predefinito|Attribuut standaard|Standaardeigenschap|Atributo por omissão|"
            "Atributo padrão|Atrybut : wartość domyślna|Attribut standardvärde|Egenskab standard|"
            "Attributt standard|Ominaisuuden oletus|Vlastnost výchozí|"
            "Predvolená hodnota vlastnosti|Атрибут по умолчанию|Nitelik varsayılan|"
            "属性 のデフォルト|سمة افتراضية|По подразбиране за атрибута|Atribut predeterminat|"
            "Ιδιότητα προεπιλεγμένη|Omaduse vaikeväärtus|پیشفرض صفت|એટ્રીબ્યુટ ડિફોલ્ટ|"
            "Atribut zadani|Standar atribut|속성 기본|Požymis numatytas|Atribut implicit|"
            "Privzet atribut|Атрибут подразумевано|คุณสมบัติค่าเริ่มต้น|Атрибут за замовчуванням|"
            "Thuộc tính mặc định|属性 的默认值|屬性 預設"
        ),
    }
)
"""The numbered columns of attributes, without the number, by part."""

META = (
    "Meta|Méta|Metadados|Metadado|Pola|Metatieto|Мета|メタ|بيانات ميتا|متا|મેટા|메타|"
    "Мета ідентифікатор|元数据"
)
"""The word before the colon in the columns of custom fields."""

WEIGHT_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "kg": "kg|kgs|кг|κ.|كيلوجرام|کیلوگرم|કેજી|กก.|公斤|千克",
        "g": "g|gr|gram|г|гр|γρ.|جرام|گرم|જી|กรัม|克|公克",
        "lbs": ("lbs|lb|livres|livre|либ.|nael|پوند|رطل|font|funty|фунт|фунте|am. pund|ปอนด์|磅"),
        "oz": (
            "oz|унц.|unce|unts|اونس|أوقية|ઔંસ|uncia|uncje|onça|унция|унція|унца|am. uns|ออนซ์|盎司"
        ),
    }
)
"""The units of weight."""
