"""The words that names, places and addresses of generated companies are built from.

What lives here: lists and nothing else. What does not: how they are combined, see
companies.py. All companies and people that come of them are made up.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class City(NamedTuple):
    """A city with what an address or a number there looks like."""

    country: str
    region: str
    region_short: str
    name: str
    latin: str
    area: str
    digits: int
    postal: str
    division: str
    weight: float


class Sector(NamedTuple):
    """A line of business: five near names for it per language, and its labels."""

    chinese: tuple[str, ...]
    english: tuple[str, ...]
    western: dict[str, tuple[str, ...]]
    label: str
    chinese_label: str


def _words(text: str) -> list[str]:
    """The words of a text; a blank inside a word is written as an underscore."""
    return text.split(" ")


def _labels(text: str) -> list[str]:
    """The words of a text with commas between them."""
    return text.split(",")


def _cities() -> tuple[City, ...]:
    """Parses the tables below."""
    found = []
    for line in _CHINA.split("\n"):
        name, region, latin, short, area, digits, division, postal, weight = (
            line.split()
        )
        found.append(
            City(
                "CN",
                region,
                short,
                name,
                latin,
                area,
                int(digits),
                postal,
                division,
                float(weight),
            )
        )
    for line in _WEST.split("\n"):
        country, region, short, name, latin, area, digits, postal, weight = line.split()
        found.append(
            City(
                country,
                region.replace("_", " "),
                short,
                name.replace("_", " "),
                latin.replace("_", " "),
                area,
                int(digits),
                postal,
                "",
                float(weight),
            )
        )
    return tuple(found)


# name, province, pinyin, province in pinyin, area code, digits after it, division code,
# first digits of the post code, weight
_CHINA: Final = """\
北京 北京 Beijing Beijing 10 8 110100 100 9
上海 上海 Shanghai Shanghai 21 8 310100 200 9
深圳 广东 Shenzhen Guangdong 755 8 440300 518 8
广州 广东 Guangzhou Guangdong 20 8 440100 510 7
杭州 浙江 Hangzhou Zhejiang 571 8 330100 310 5
南京 江苏 Nanjing Jiangsu 25 8 320100 210 4
苏州 江苏 Suzhou Jiangsu 512 8 320500 215 4
成都 四川 Chengdu Sichuan 28 8 510100 610 4
重庆 重庆 Chongqing Chongqing 23 8 500100 400 4
武汉 湖北 Wuhan Hubei 27 8 420100 430 3.5
天津 天津 Tianjin Tianjin 22 8 120100 300 3
西安 陕西 Xi'an Shaanxi 29 8 610100 710 3
青岛 山东 Qingdao Shandong 532 8 370200 266 2.5
济南 山东 Jinan Shandong 531 8 370100 250 2
宁波 浙江 Ningbo Zhejiang 574 8 330200 315 2.5
无锡 江苏 Wuxi Jiangsu 510 8 320200 214 2
东莞 广东 Dongguan Guangdong 769 8 441900 523 3
佛山 广东 Foshan Guangdong 757 8 440600 528 2.5
厦门 福建 Xiamen Fujian 592 7 350200 361 2
福州 福建 Fuzhou Fujian 591 8 350100 350 1.5
长沙 湖南 Changsha Hunan 731 8 430100 410 2
郑州 河南 Zhengzhou Henan 371 8 410100 450 2.5
合肥 安徽 Hefei Anhui 551 8 340100 230 2
大连 辽宁 Dalian Liaoning 411 8 210200 116 1.5
沈阳 辽宁 Shenyang Liaoning 24 8 210100 110 1.5
哈尔滨 黑龙江 Harbin Heilongjiang 451 8 230100 150 1
长春 吉林 Changchun Jilin 431 8 220100 130 1
石家庄 河北 Shijiazhuang Hebei 311 8 130100 050 1.2
太原 山西 Taiyuan Shanxi 351 7 140100 030 1
南昌 江西 Nanchang Jiangxi 791 8 360100 330 1
昆明 云南 Kunming Yunnan 871 8 530100 650 1
贵阳 贵州 Guiyang Guizhou 851 8 520100 550 .8
南宁 广西 Nanning Guangxi 771 7 450100 530 1
海口 海南 Haikou Hainan 898 8 460100 570 .6
温州 浙江 Wenzhou Zhejiang 577 8 330300 325 1.8
常州 江苏 Changzhou Jiangsu 519 8 320400 213 1.2
南通 江苏 Nantong Jiangsu 513 8 320600 226 1.2
绍兴 浙江 Shaoxing Zhejiang 575 8 330600 312 1
金华 浙江 Jinhua Zhejiang 579 8 330700 321 1.2
泉州 福建 Quanzhou Fujian 595 8 350500 362 1.2
珠海 广东 Zhuhai Guangdong 756 7 440400 519 .8
中山 广东 Zhongshan Guangdong 760 8 442000 528 1
惠州 广东 Huizhou Guangdong 752 7 441300 516 .8
烟台 山东 Yantai Shandong 535 7 370600 264 .8
潍坊 山东 Weifang Shandong 536 7 370700 261 .8
徐州 江苏 Xuzhou Jiangsu 516 8 320300 221 .9
嘉兴 浙江 Jiaxing Zhejiang 573 8 330400 314 .9
台州 浙江 Taizhou Zhejiang 576 8 331000 318 .9
兰州 甘肃 Lanzhou Gansu 931 7 620100 730 .5
乌鲁木齐 新疆 Urumqi Xinjiang 991 7 650100 830 .5
呼和浩特 内蒙古 Hohhot Inner-Mongolia 471 7 150100 010 .4"""

# country, region, its code, city, name in English, area code, digits, post code, weight
_WEST: Final = """\
GB Greater_London LND London London 20 8 EC2 9
GB West_Midlands WMD Birmingham Birmingham 121 7 B3 3
GB Greater_Manchester MAN Manchester Manchester 161 7 M2 3
GB West_Yorkshire WYK Leeds Leeds 113 7 LS1 2.5
GB South_Yorkshire SYK Sheffield Sheffield 114 7 S1 1.5
GB Merseyside MSY Liverpool Liverpool 151 7 L3 1.5
GB Bristol BST Bristol Bristol 117 7 BS1 1.8
GB Scotland SCT Glasgow Glasgow 141 7 G2 1.6
GB Scotland SCT Edinburgh Edinburgh 131 7 EH2 1.5
GB Tyne_and_Wear TWR Newcastle_upon_Tyne Newcastle 191 7 NE1 1.2
GB Nottinghamshire NTT Nottingham Nottingham 115 7 NG1 1.2
GB Leicestershire LEC Leicester Leicester 116 7 LE1 1.1
GB Berkshire BRK Reading Reading 118 7 RG1 1.2
GB Wales WLS Cardiff Cardiff 29 8 CF10 1.1
GB Hampshire HAM Southampton Southampton 23 8 SO14 1
GB Northern_Ireland NIR Belfast Belfast 28 8 BT1 .8
US New_York NY New_York New_York 212 7 100 6
US California CA Los_Angeles Los_Angeles 213 7 900 5
US Illinois IL Chicago Chicago 312 7 606 4
US Texas TX Houston Houston 713 7 770 4
US Texas TX Dallas Dallas 214 7 752 3
US California CA San_Francisco San_Francisco 415 7 941 3
US California CA San_Jose San_Jose 408 7 951 2
US Massachusetts MA Boston Boston 617 7 021 2.5
US Washington WA Seattle Seattle 206 7 981 2
US Georgia GA Atlanta Atlanta 404 7 303 2
US Pennsylvania PA Philadelphia Philadelphia 215 7 191 2
US Arizona AZ Phoenix Phoenix 602 7 850 1.5
US Colorado CO Denver Denver 303 7 802 1.5
US Ohio OH Columbus Columbus 614 7 432 1.2
US Ohio OH Cleveland Cleveland 216 7 441 1.2
US Michigan MI Detroit Detroit 313 7 482 1.4
US Minnesota MN Minneapolis Minneapolis 612 7 554 1.2
US Florida FL Miami Miami 305 7 331 1.8
US North_Carolina NC Charlotte Charlotte 704 7 282 1.2
US Missouri MO St._Louis St._Louis 314 7 631 1.1
US Oregon OR Portland Portland 503 7 972 1
US Wisconsin WI Milwaukee Milwaukee 414 7 532 1
DE Berlin BE Berlin Berlin 30 8 101 3
DE Hamburg HH Hamburg Hamburg 40 8 200 3
DE Bayern BY München Munich 89 8 803 3
DE Nordrhein-Westfalen NW Köln Cologne 221 7 506 2
DE Hessen HE Frankfurt_am_Main Frankfurt 69 8 603 2.2
DE Baden-Württemberg BW Stuttgart Stuttgart 711 7 701 2
DE Nordrhein-Westfalen NW Düsseldorf Dusseldorf 211 7 402 1.8
DE Sachsen SN Leipzig Leipzig 341 7 041 1.2
DE Nordrhein-Westfalen NW Dortmund Dortmund 231 7 441 1.2
DE Nordrhein-Westfalen NW Essen Essen 201 7 451 1.2
DE Bremen HB Bremen Bremen 421 7 281 1
DE Niedersachsen NI Hannover Hanover 511 7 301 1.2
DE Bayern BY Nürnberg Nuremberg 911 7 904 1.2
DE Sachsen SN Dresden Dresden 351 7 010 1
DE Baden-Württemberg BW Mannheim Mannheim 621 7 681 .8
DE Nordrhein-Westfalen NW Bielefeld Bielefeld 521 7 336 .8
DE Nordrhein-Westfalen NW Münster Munster 251 7 481 .8
DE Bayern BY Augsburg Augsburg 821 7 861 .7
FR Île-de-France IDF Paris Paris 1 8 750 4
FR Auvergne-Rhône-Alpes ARA Lyon Lyon 4 8 690 2
FR Provence PAC Marseille Marseilles 4 8 130 1.5
FR Occitanie OCC Toulouse Toulouse 5 8 310 1.2
FR Hauts-de-France HDF Lille Lille 3 8 590 1.2
FR Nouvelle-Aquitaine NAQ Bordeaux Bordeaux 5 8 330 1
FR Pays_de_la_Loire PDL Nantes Nantes 2 8 440 1
FR Grand_Est GES Strasbourg Strasbourg 3 8 670 .9
FR Bretagne BRE Rennes Rennes 2 8 350 .7
ES Madrid MD Madrid Madrid 91 7 280 3
ES Cataluña CT Barcelona Barcelona 93 7 080 3
ES Valencia VC Valencia Valencia 96 7 460 1.2
ES Andalucía AN Sevilla Seville 95 7 410 1
ES Aragón AR Zaragoza Zaragoza 976 6 500 .8
ES País_Vasco PV Bilbao Bilbao 94 7 480 .9"""

CITIES: Final = _cities()

COUNTRIES: Final = ("CN", "US", "GB", "DE", "FR", "ES")
COUNTRY_SHARES: Final = (0.50, 0.19, 0.14, 0.10, 0.045, 0.025)
COUNTRY_NAMES: Final = {
    "erp": dict(zip(COUNTRIES, COUNTRIES, strict=True)),
    "zoho": dict(
        zip(
            COUNTRIES,
            ("China", "United States", "United Kingdom", "Germany", "France", "Spain"),
            strict=True,
        )
    ),
    "fxiaoke": dict(
        zip(COUNTRIES, ("中国", "美国", "英国", "德国", "法国", "西班牙"), strict=True)
    ),
}

CHARACTERS: Final = (
    "华信达康泰恒盛鑫源瑞丰宏远天成博创新世纪金龙海联中安通利德润佳美东方正大光明国"
    "兴隆昌顺和平富强永吉祥福寿百川千里万顺汇银富顿科思维智慧云图星辰晨曦朗逸飞腾跃"
    "升卓越凯旋威诺亚欧柏伦斯特尔雅致优品嘉禾谷稻香溪泉江河湖波涛浪帆舟航宇宙空间极"
    "点线面体力量动能效率捷迅速达途程路桥梁柱基石岩峰岭山岳峻嵘巍峨坤乾元亨贞景象林"
    "森木松柏竹梅兰菊荷莲芳菲馨蕾英华荣繁茂盈充实满堂庆喜乐欢悦怡然自若诚挚义仁礼贤"
    "良善厚朴纯真清澈澄洁净素雪冰霜露雨雷电火焰炎烽炫彩虹霞丹朱红赤紫青蓝碧翠绿黄橙"
    "白玉珠宝琳琅玛瑙珍瑰璟琪瑶璐珊瑜瑾璇玺印章典范式样标准规矩衡权度尺寸毫厘精细微"
    "巧工匠心艺术文武双全才俊杰豪雄伟壮志士君子朋友邦友谊聚合众群集团圆满月日时辰春"
    "夏秋冬季节令朝暮夕夜昼晓旭阳晖辉耀照映灿烂焕炳煌炜烨熠晟昊昱昕晗晔暄昂扬奋进步"
    "登攀峰巅顶尖端首领先锋前卫冠军胜捷凯歌唱响鸣钟鼎尊贵族皇家御用名流派系统领航标"
    "帝王侯相国士绅商贾通宝财货殖利来旺铺兴业建设筑造营运转轮驰骋骏马腾龙虎豹鹰鹏鹤"
    "凤凰麒麟燕雁鸿鹄鲲鲸鲤鱼羊牛犇淼焱垚磊晶品众森鑫拓展望观瞻视野宽广博深厚沉稳健"
    "沃牧田园圃苑庭院轩阁楼台榭亭廊坊巷里邻居家宁静安逸适宜舒畅达观澜沧浦港湾岛屿洲"
)

_ENGLISH_NOUNS: Final = """\
Trading Traders Trade-Links Transport Merchants
Engineering Engineers Engines Machine-Works Machining
Software Softworks Systems Solutions Digital
Logistics Freight Haulage Forwarding Distribution
Construction Constructors Builders Building-Services Contractors
Foods Food-Products Food-Services Catering Provisions
Pharma Pharmaceuticals Healthcare Health-Sciences Medical
Electronics Electrical Electric Circuits Components
Textiles Textile-Mills Fabrics Apparel Garments
Chemicals Chemical-Works Coatings Polymers Resins
Steel Steelworks Metals Metal-Products Alloys
Plastics Plastic-Mouldings Packaging Packing Containers
Consulting Consultants Consultancy Advisory Advisers
Energy Energy-Services Power Power-Systems Renewables
Motors Motor-Parts Automotive Auto-Components Vehicles
Furniture Furnishings Interiors Interior-Design Joinery
Printing Print-Services Publishing Press Graphics
Instruments Instrumentation Controls Control-Systems Automation
Environmental Environment-Services Recycling Waste-Management Water
Media Media-Group Marketing Communications Creative
Farms Farming Agriculture Agri-Supplies Growers
Hotels Hospitality Leisure Travel Tours
Tools Tooling Hardware Fasteners Fixings
Security Security-Services Safety Safety-Systems Alarms
Education Training Learning Academy Skills
Optics Optical Lighting Photonics Lasers"""

_CHINESE_NOUNS: Final = """\
贸易 商贸 贸易发展 国际贸易 进出口
机械 机械设备 机械制造 机电 机电设备
科技 科技发展 信息技术 网络科技 信息科技
物流 物流服务 货运代理 供应链管理 运输
建设 建筑工程 建设工程 建筑 建筑安装工程
食品 食品贸易 餐饮管理 食品科技 餐饮服务
医药 医药科技 生物科技 医疗器械 生物医药
电子 电子科技 电子技术 电气 电气设备
纺织 纺织品 服装 服饰 纺织科技
化工 化工科技 新材料 新材料科技 化学
钢铁 钢铁贸易 金属制品 金属材料 金属
塑料 塑料制品 包装 包装材料 塑胶
咨询 管理咨询 企业管理 企业管理咨询 商务咨询
能源 新能源 能源科技 电力 新能源科技
汽车 汽车零部件 汽车销售 汽车配件 汽车服务
家具 家居 装饰工程 装饰 装饰设计
印刷 印务 文化传播 图文 彩印
仪器 仪器仪表 自动化 自动化设备 自动化科技
环保 环保科技 环境工程 水务 环保设备
传媒 文化传媒 广告 广告传媒 品牌策划
农业 农业科技 农业发展 生态农业 农产品
酒店 酒店管理 旅游 国际旅行社 旅游开发
五金 五金制品 工具 五金机电 模具
安防 安防科技 消防工程 保安服务 消防设备
教育 教育科技 教育咨询 文化教育 培训
光电 光电科技 光电技术 照明 照明科技"""

_CHINESE_IN_ENGLISH: Final = """\
Trading,Commerce,Trade Development,International Trade,Import & Export
Machinery,Machinery Equipment,Machinery Manufacturing,Electromechanical,M&E Equipment
Technology,Technology Development,Information Technology,Network Technology,Infotech
Logistics,Logistics Services,Freight Forwarding,Supply Chain Management,Transportation
Construction,Construction Engineering,Construction Project,Building,Building Installation
Food,Food Trading,Catering Management,Food Technology,Catering Services
Pharmaceutical,Pharma Technology,Biotechnology,Medical Devices,Biopharma
Electronics,Electronic Technology,Electronics Tech,Electric,Electrical Equipment
Textile,Textiles,Garment,Apparel,Textile Technology
Chemical,Chemical Technology,New Materials,New Material Technology,Chemistry
Iron & Steel,Steel Trading,Metal Products,Metal Materials,Metals
Plastics,Plastic Products,Packaging,Packaging Materials,Plastic & Rubber
Consulting,Management Consulting,Enterprise Management,Business Management Consulting,\
Business Consulting
Energy,New Energy,Energy Technology,Electric Power,New Energy Technology
Automobile,Auto Parts,Auto Sales,Auto Accessories,Auto Services
Furniture,Home Furnishing,Decoration Engineering,Decoration,Decoration Design
Printing,Printing Services,Culture Communication,Graphics,Color Printing
Instruments,Instrumentation,Automation,Automation Equipment,Automation Technology
Environmental Protection,Environmental Technology,Environmental Engineering,Water,\
Environmental Equipment
Media,Culture Media,Advertising,Advertising Media,Brand Planning
Agriculture,Agricultural Technology,Agricultural Development,Eco-Agriculture,\
Agricultural Products
Hotel,Hotel Management,Tourism,International Travel Service,Tourism Development
Hardware,Hardware Products,Tools,Hardware & Electrical,Moulds
Security,Security Technology,Fire Engineering,Security Services,Fire Equipment
Education,Education Technology,Education Consulting,Culture & Education,Training
Optoelectronics,Optoelectronic Technology,Photoelectric,Lighting,Lighting Technology"""

_GERMAN_NOUNS: Final = """\
Handel Handels Großhandel Import-Export Warenhandel
Maschinenbau Maschinen Maschinentechnik Werkzeugbau Anlagenbau
Software Softwaretechnik Systemhaus Informatik Datentechnik
Logistik Spedition Transporte Transportlogistik Lagerlogistik
Bau Hochbau Bauunternehmung Tiefbau Bautechnik
Lebensmittel Feinkost Nahrungsmittel Gastro Backwaren
Pharma Medizintechnik Medizinprodukte Arzneimittel Labortechnik
Elektronik Elektrotechnik Elektro Elektrobau Schaltanlagen
Textil Textilwerke Bekleidung Moden Strickwaren
Chemie Chemietechnik Lacke Kunststoffe Klebstoffe
Stahl Stahlbau Metallbau Metallwaren Edelstahl
Verpackung Verpackungen Kunststofftechnik Spritzguss Folien
Beratung Unternehmensberatung Consulting Ingenieure Planung
Energie Energietechnik Solar Windkraft Kraftwerke
Automobile Fahrzeugteile Fahrzeugbau Autoteile Fahrzeugtechnik
Möbel Möbelwerke Innenausbau Tischlerei Küchen
Druck Druckerei Druckhaus Verlag Medienhaus
Messtechnik Regeltechnik Steuerungsbau Automation Automatisierung
Umwelt Umwelttechnik Recycling Entsorgung Wasser
Medien Werbung Werbetechnik Marketing Kommunikation
Agrar Agrarhandel Landtechnik Saatgut Landhandel
Hotel Hotelbetriebe Touristik Reisen Gastronomie
Werkzeuge Werkzeugtechnik Schrauben Beschläge Eisenwaren
Sicherheit Sicherheitstechnik Brandschutz Alarmanlagen Schließtechnik
Bildung Akademie Schulung Weiterbildung Lehrmittel
Optik Lichttechnik Leuchten Lasertechnik Feinoptik"""

_FRENCH_NOUNS: Final = """\
Négoce Distribution Import-Export Commerce Comptoir
Mécanique Machines Mécanique-de-Précision Usinage Outillage
Logiciels Informatique Numérique Systèmes Technologies
Transports Logistique Affrètement Messagerie Fret
Construction Bâtiment Travaux-Publics Rénovation Maçonnerie
Alimentation Conserves Traiteur Restauration Boulangerie"""

_SPANISH_NOUNS: Final = """\
Comercial Distribuciones Importaciones Suministros Mayoristas
Mecánica Maquinaria Mecanizados Talleres Utillajes
Software Informática Sistemas Digital Tecnologías
Transportes Logística Mensajería Cargas Almacenes
Construcciones Obras Reformas Edificaciones Proyectos
Alimentación Conservas Hostelería Panadería Catering"""

_LABELS: Final = _labels(
    "Wholesale Trade,Machinery,Software,Logistics,Construction,Food,"
    "Healthcare,Electronics,Textiles,Chemicals,Metals,Packaging,"
    "Professional Services,Energy,Automotive,Furniture,Printing,Instruments,"
    "Environment,Media,Agriculture,Hospitality,Tools,Security,Education,"
    "Optics"
)
_CHINESE_LABELS: Final = _words(
    "批发贸易 机械 软件和信息技术 物流 建筑 食品 医药 电子 纺织 化工 金属 "
    "包装 商务服务 能源 汽车 家具 印刷 仪器仪表 环保 传媒 农业 酒店旅游 "
    "五金工具 安防 教育 光电"
)


def _sectors() -> tuple[Sector, ...]:
    """Lays the tables above side by side; French and Spanish ones are used in turn."""

    def table(text: str) -> list[tuple[str, ...]]:
        return [
            tuple(word.replace("-", " ") for word in line.split())
            for line in text.split("\n")
        ]

    english, german = table(_ENGLISH_NOUNS), table(_GERMAN_NOUNS)
    french, spanish = table(_FRENCH_NOUNS), table(_SPANISH_NOUNS)
    chinese = table(_CHINESE_NOUNS)
    translated = [tuple(x.split(",")) for x in _CHINESE_IN_ENGLISH.split("\n")]
    return tuple(
        Sector(
            chinese[n],
            translated[n],
            {
                "GB": english[n],
                "US": english[n],
                "DE": german[n],
                "FR": french[n % len(french)],
                "ES": spanish[n % len(spanish)],
            },
            _LABELS[n],
            _CHINESE_LABELS[n],
        )
        for n in range(len(_LABELS))
    )


SECTORS: Final = _sectors()

CHINESE_FORMS: Final = (
    ("有限公司", 0.72),
    ("有限责任公司", 0.09),
    ("股份有限公司", 0.09),
    ("集团有限公司", 0.05),
    ("集团股份有限公司", 0.02),
    ("厂", 0.03),
)
FORMS: Final = {
    "GB": (("Ltd", 0.82), ("PLC", 0.06), ("LLP", 0.06), ("Group Ltd", 0.06)),
    "US": (("Inc", 0.5), ("LLC", 0.28), ("Corp", 0.15), ("Co", 0.07)),
    "DE": (("GmbH", 0.7), ("AG", 0.1), ("GmbH & Co. KG", 0.15), ("KG", 0.05)),
    "FR": (("SARL", 0.45), ("SAS", 0.3), ("SA", 0.25)),
    "ES": (("SL", 0.65), ("SA", 0.35)),
}
FORM_VARIANTS: Final = {
    "Ltd": ("Ltd", "Ltd.", "Limited", "LTD", "Ltd"),
    "Group Ltd": ("Group Ltd", "Group Limited", "Grp Ltd", "Group"),
    "PLC": ("plc", "PLC", "P.L.C.", "Plc"),
    "LLP": ("LLP", "L.L.P.", "llp"),
    "Inc": ("Inc.", "Inc", "Incorporated", "INC", ", Inc."),
    "LLC": ("LLC", "L.L.C.", ", LLC", "Llc"),
    "Corp": ("Corp.", "Corporation", "Corp", "CORP."),
    "Co": ("Co.", "Company", "& Co.", "Co"),
    "GmbH": ("GmbH", "GmbH", "G.m.b.H.", "Gmbh", "gmbh"),
    "AG": ("AG", "A.G.", "Aktiengesellschaft"),
    "GmbH & Co. KG": ("GmbH & Co. KG", "GmbH & Co KG", "GmbH&Co.KG", "GmbH + Co. KG"),
    "KG": ("KG", "K.G.", "KG"),
    "SARL": ("SARL", "S.A.R.L.", "Sarl", "S.à r.l."),
    "SAS": ("SAS", "S.A.S.", "Sas"),
    "SA": ("S.A.", "SA", "S. A.", "S.A"),
    "SL": ("S.L.", "SL", "S. L.", "Sociedad Limitada"),
}
ABBREVIATIONS: Final = {
    "International": "Intl",
    "Manufacturing": "Mfg",
    "Engineering": "Eng.",
    "Engineers": "Engrs",
    "Services": "Svcs",
    "Systems": "Sys",
    "Solutions": "Soln",
    "Construction": "Constr.",
    "Consulting": "Consult.",
    "Logistics": "Log.",
    "Distribution": "Distr.",
    "Technology": "Tech",
    "Technologies": "Tech",
    "Communications": "Comms",
    "Brothers": "Bros",
    "Associates": "Assoc.",
    "Management": "Mgmt",
    "Maschinenbau": "Masch.bau",
    "Transports": "Transp.",
    "Construcciones": "Constr.",
    "Products": "Prods",
    "Industries": "Inds.",
    "Electronics": "Elec.",
    "Equipment": "Equip.",
    "Development": "Dev.",
}
QUALIFIERS: Final = {
    "GB": _words(
        "Precision Advanced Global International Premier United Northern "
        "Southern Western Eastern Central National Royal Industrial Commercial "
        "Specialist Integrated Applied General Modern Custom Marine Rapid "
        "Quality Master Direct Independent Allied Pacific Atlantic Continental "
        "Metropolitan Universal Standard Superior Classic Dynamic Strategic "
        "Technical Creative Urban Coastal Highland Valley Heritage Pioneer Summit"
    ),
    "DE": _words(
        "Industrie Nord Süd West Ost Spezial Präzisions International Allgemeine "
        "Vereinigte Norddeutsche Süddeutsche Rheinische Technische Moderne Neue"
    ),
    "FR": _words(
        "Générale Industrielle Moderne Nouvelle Européenne Régionale Française "
        "Atlantique Centrale Internationale Méditerranée Alpes"
    ),
    "ES": _words(
        "General Industrial Ibérica Española Internacional Moderna Técnica Nueva "
        "Europea Central Atlántica Mediterránea"
    ),
}
QUALIFIERS["US"] = QUALIFIERS["GB"]

_ENGLISH_SURNAMES: Final = _words(
    "Abbott Ackroyd Adams Aldridge Allen Anderson Archer Armitage Arnold "
    "Ashby Ashworth Atkins Austin Bailey Baker Baldwin Ballard Banks Barker "
    "Barlow Barnes Barrett Bartlett Barton Bates Baxter Beaumont Beckett "
    "Bell Bennett Benson Bentley Berry Bishop Blackwell Blake Bolton Booth "
    "Bowen Boyd Bradford Bradley Brady Bramwell Brennan Brewer Briggs Brooks "
    "Browning Bryant Buckley Burgess Burke Burton Butler Byrne Caldwell "
    "Calloway Cameron Campbell Cannon Carlisle Carr Carson Carter Carver "
    "Chambers Chandler Chapman Clarke Clayton Clifford Coleman Collins "
    "Connolly Conway Cooper Corbett Cornish Coulson Cowan Craig Crawford "
    "Crosby Cross Cunningham Curtis Dalton Daniels Davenport Davies Dawson "
    "Deacon Dempsey Denton Dickens Dixon Donaldson Douglas Doyle Drake "
    "Driscoll Dudley Duncan Dunn Durham Eaton Edwards Elliott Ellis Emerson "
    "Erskine Evans Everett Fairfax Farrell Faulkner Ferguson Fielding Finch "
    "Fisher Fleming Fletcher Flynn Forster Foster Fowler Francis Franklin "
    "Fraser Freeman Frost Fuller Gallagher Gardner Garner Garrison Gibson "
    "Gilbert Gill Glover Goddard Goodwin Gordon Graham Granger Grant Graves "
    "Greenwood Gregory Griffin Griffiths Hale Hall Halliday Hamilton Hammond "
    "Hampton Hancock Hanson Harding Hargreaves Harmon Harper Harrington "
    "Harris Harrow Hartley Hartwell Harvey Hastings Hawkins Hayes Haywood "
    "Henderson Henley Herbert Hewitt Hickman Higgins Hilton Hobbs Hodges "
    "Holbrook Holden Holland Holloway Holmes Hopkins Horton Houghton Howard "
    "Hudson Hughes Humphrey Hunter Hurst Hutton Ingram Irving Jackson Jarvis "
    "Jefferson Jenkins Jennings Johnson Jordan Keating Keller Kendall "
    "Kennedy Kent Kerr Kingston Kirby Knight Knowles Lambert Lancaster "
    "Langley Lawson Leonard Lester Lindsay Lockwood Logan Lowe Lucas Lyons "
    "Macdonald Mackenzie Maddox Malone Marlow Marsden Marshall Mason "
    "Matthews Maxwell Mayfield McAllister McBride McCarthy McCormack "
    "McGregor McKay McLean Mercer Middleton Mills Mitchell Monroe Montgomery "
    "Moran Morgan Morris Morton Murdoch Murphy Murray Nash Neville Newman "
    "Nicholson Nolan Norris Norton O'Brien O'Connor O'Neill Oakley Oldham "
    "Oliver Osborne Owen Palmer Parker Parsons Patterson Pearson Pemberton "
    "Perkins Perry Pickering Pierce Porter Potter Powell Preston Price "
    "Pritchard Quigley Quinn Radcliffe Ramsey Randall Rawlings Redmond "
    "Reeves Reynolds Richards Riley Robson Rowe Russell Ryan Sanders "
    "Saunders Savage Sawyer Sharpe Shaw Sheldon Shepherd Sheridan Simmons "
    "Sinclair Slater Spencer Stafford Stanton Stephens Sterling Stewart "
    "Stokes Strickland Sullivan Sutton Sykes Talbot Tanner Tate Taylor "
    "Thornton Thorpe Todd Townsend Travis Tucker Turner Tyler Underwood "
    "Vance Vaughan Vernon Vincent Wade Walker Wallace Walsh Walton Warner "
    "Warren Watkins Watson Weaver Webb Webster Weston Wheeler Whitaker "
    "Whitfield Wilcox Wilkins Winslow Winter Woodward Wright Wyatt Yates York"
)
SURNAMES: Final = {
    "GB": _ENGLISH_SURNAMES,
    "US": _ENGLISH_SURNAMES,
    "DE": _words(
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz "
        "Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz "
        "Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann "
        "Köhler Maier König Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß "
        "Jung Hahn Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck "
        "Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm Winter Kraus "
        "Martin Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß Seidel "
        "Heinrich Brandt Haas Schreiber Graf Schulte Dietrich Ziegler Kuhn Kühn "
        "Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold Wolff Pfeiffer "
        "Eberhardt Strobel Rieger Hübner Kessler Steinbach Lindner Falk Brückner "
        "Hagemann Ostermann Wendt Behrens Petersen"
    ),
    "FR": _words(
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau "
        "Simon Laurent Lefebvre Michel Garcia Bertrand Roux Vincent Fournier "
        "Morel Girard André Mercier Dupont Lambert Bonnet François Martinez "
        "Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel "
        "Nicolas Perrin Morin Mathieu Clément Gauthier Dumont Lopez Fontaine "
        "Chevalier Robin Masson Sanchez Gérard Boyer Denis Lemaire Duval Joly "
        "Lefèvre"
    ),
    "ES": _words(
        "García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez "
        "Martín Jiménez Ruiz Hernández Díaz Moreno Álvarez Muñoz Romero Alonso "
        "Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano "
        "Blanco Molina Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz "
        "Iglesias Medina Garrido Cortés Castillo"
    ),
}
GIVEN_NAMES: Final = {
    "GB": _words(
        "James Emma Oliver Sophie George Charlotte Harry Amelia Jack Grace "
        "Thomas Lucy William Hannah Henry Alice Robert Laura David Sarah Michael "
        "Rachel Daniel Claire Peter Helen Andrew Karen Simon Julia Edward Fiona "
        "Martin Rebecca"
    ),
    "DE": _words(
        "Karl Anna Hans Petra Jürgen Sabine Klaus Monika Wolfgang Claudia Stefan "
        "Julia Thomas Katrin Michael Birgit Andreas Martina Peter Ute Markus "
        "Heike Ernst Gerhard Wilhelm Friedrich August Otto Heinrich Rolf"
    ),
    "FR": _words(
        "Jean Marie Pierre Sophie Luc Claire Michel Anne Paul Julie Henri Louis"
    ),
    "ES": _words("José María Antonio Carmen Manuel Ana Javier Laura Luis Elena Pablo"),
}
GIVEN_NAMES["US"] = GIVEN_NAMES["GB"]

HEADS: Final = {
    "GB": _words(
        "North South East West Silver Gold Iron Stone Oak Ash Elm Willow Red "
        "Blue Green White Black Bright Clear Swift High Low Deep Long Broad "
        "River Lake Sea Sky Star Sun Moon Wind Rain Snow Fire Light Way Clay "
        "Cross King Queen Castle Bridge Fox Hawk Wolf Bear Falcon Eagle Raven "
        "Thunder Copper Crystal Diamond Amber Ever True Noble Rock Sand Spring "
        "Summer Winter Autumn Harbour Meadow Forest Glen Dale Rose Thorn Arrow "
        "Anchor Beacon Compass Crown Shield Storm"
    ),
    "DE": _words(
        "Nord Süd West Ost Rhein Main Elb Isar Neckar Weser Ruhr Alpen Berg Tal "
        "Wald Stein Gold Silber Eisen Stern Sonnen Mond Adler Falken Hansa Domo "
        "Inno Opti Medi Tech Indu Mega Uni Euro Trans Inter Pro Con Eco Vita "
        "Lumi Robo Auto Elek Hydro Pneu"
    ),
    "FR": _words(
        "Nord Sud Rhône Loire Alpes Atlan Medi Euro Trans Inter Techno Indus "
        "Agro Bio Éco Multi Uni Pro Nova Prima Céle Opti Logi Mari Aéro"
    ),
    "ES": _words(
        "Iber Hispa Medi Euro Trans Inter Tecno Indus Agro Bio Eco Multi Uni Pro "
        "Nova Prima Opti Logi Mari Aero Sol Mar Nor Sur Cata"
    ),
}
HEADS["US"] = HEADS["GB"]
TAILS: Final = {
    "GB": _words(
        "wind brook field ford gate bridge wood stone well water land bank point "
        "crest view ridge mark line path way port side mount hill dale worth ham "
        "ton wick mere cliff shore haven lock smith works forge craft core tech "
        "tide leaf moor grove spire pine peak vale rise span bolt"
    ),
    "DE": _words(
        "tec plan bau werk form plast med soft log data matic flex tron lux "
        "metall chem pack trans stahl kraft technik haus mark feld berg stein "
        "norm fix"
    ),
    "FR": _words(
        "tec bat plast med log data flex lux chim pack trans mat form nor val sys"
    ),
    "ES": _words(
        "tec bat plast med log data flex lux quim pack trans mat form nor val sys"
    ),
}
TAILS["US"] = TAILS["GB"]
SYLLABLES: Final = _words(
    "ac ad al an ar as ax bel bi bra ca cel cor cy da del di dy el en er fa "
    "fi flu ga gen go hel hy in ix ka ki kor la lex li lo lu ma mer mi mo na "
    "ne ni no nu ol om or pa pel pi qua ra rex ri ro ru sa sel si so sy ta "
    "tel ti to tra tu ul va vel vi vo xa xe xi ya ze zi zo"
)

CHINESE_ROADS: Final = _words(
    "人民 解放 中山 建设 和平 新华 长江 黄河 文化 科技 创业 工业 高新 学院 "
    "滨江 滨河 环城 迎宾 朝阳 胜利 光明 东风 友谊 幸福 富强 民主 团结 青年 "
    "五一 八一 北京 上海 南京 广州 深南 天府 软件 金融 金源 望江 凤凰 龙华 "
    "石桥 白云 江南 江北 湖滨 海滨 山东 天山 泰山 华山 衡山 昆仑 珠江 松江 "
    "嘉陵 钱塘 西湖 东湖 南湖 玄武 莲花 荷花 梅花 桃园 桂林 樟树 银杏 枫林 "
    "竹园 兴业 兴隆 永安 长安 太平 康宁 福民 富民 惠民 振兴 复兴 中兴 开发 "
    "发展"
)
CHINESE_ROAD_KINDS: Final = (("路", "Road"), ("大道", "Avenue"), ("街", "Street"))
DISTRICTS: Final = _words(
    "高新区 经济技术开发区 新城区 城东区 城西区 江北区 江南区 滨湖区 "
    "滨海新区 中心区 工业园区 东城区 西城区 南山区 白云区 开福区"
)
BUILDINGS: Final = _words(
    "国际 金融 环球 时代 财富 世纪 嘉里 华润 创新 科创 信息 商务 银泰 恒隆 新世界 东方"
)

STREETS: Final = {
    "GB": _words(
        "High Station Church Park Victoria London Green Manor Kings Queens "
        "Albert Mill Springfield North South East West Grange George Stanley "
        "Richmond Windsor York Chester Oxford Cambridge Bridge Castle Market New "
        "Broad Union Canal Wharf Dock Foundry Forge Commercial Enterprise "
        "Industrial Regent Clarence Wellington Nelson Trafalgar Waterloo "
        "Alexandra Elm Oak Cedar Maple Chestnut Willow Hawthorn Orchard"
    ),
    "US": _words(
        "Main Oak Maple Washington Lincoln Jefferson Madison Jackson Franklin "
        "Adams Cedar Elm Pine Walnut Chestnut Lake Hill Park River Spring Market "
        "Broad Center Church State Union Liberty Commerce Industrial Technology "
        "Harbor Mission Valencia Peachtree Michigan Wabash Fulton Mercer "
        "Lafayette Canal Highland Sunset Wilshire Lakeview"
    ),
    "DE": _words(
        "Haupt Bahnhof Garten Schul Linden Berg Kirch Wald Ring Industrie Goethe "
        "Schiller Mozart Beethoven Friedrich Wilhelm Kaiser König Rosen Birken "
        "Eichen Buchen Mühlen Feld Wiesen Hafen Markt Post Rathaus Brücken "
        "Daimler Siemens Bosch Diesel Benz"
    ),
    "FR": _words(
        "de_la_République Victor_Hugo de_la_Gare du_Commerce de_la_Paix Pasteur "
        "Jean_Jaurès de_la_Liberté des_Écoles du_Moulin de_l'Industrie Voltaire "
        "Gambetta Foch Carnot Émile_Zola de_Paris de_Lyon du_Port Saint-Michel"
    ),
    "ES": _words(
        "Mayor Real de_la_Constitución de_Alcalá Gran_Vía del_Sol de_la_Paz "
        "San_Juan San_Antonio de_Cervantes de_Goya de_Velázquez del_Puerto "
        "de_la_Industria Nueva de_Colón de_Aragón de_Valencia"
    ),
}
STREET_KINDS: Final = {
    "GB": (
        ("Street", "St"),
        ("Road", "Rd"),
        ("Lane", "Ln"),
        ("Avenue", "Ave"),
        ("Court", "Ct"),
    ),
    "US": (
        ("Street", "St"),
        ("Avenue", "Ave"),
        ("Boulevard", "Blvd"),
        ("Drive", "Dr."),
        ("Road", "Rd."),
    ),
    "DE": (("straße", "str."), ("weg", "weg"), ("allee", "allee"), ("platz", "pl.")),
    "FR": (("rue ", "r. "), ("avenue ", "av. "), ("boulevard ", "bd ")),
    "ES": (("Calle ", "C/ "), ("Avenida ", "Avda. "), ("Paseo ", "Pº ")),
}

FREE_MAIL: Final = {
    "CN": ("qq.com", "163.com", "126.com", "sina.com", "foxmail.com"),
    "US": ("gmail.com", "yahoo.com", "outlook.com", "aol.com"),
    "GB": ("gmail.com", "hotmail.co.uk", "outlook.com", "btinternet.com"),
    "DE": ("web.de", "gmx.de", "t-online.de", "gmail.com"),
    "FR": ("orange.fr", "wanadoo.fr", "gmail.com", "free.fr"),
    "ES": ("gmail.com", "hotmail.com", "telefonica.net"),
}
HOSTERS: Final = {
    "CN": ("cnshangpu.com", "b2bqiye.cn", "wangdian8.com.cn", "zhan-qun.net"),
    "WEST": ("bizpages.net", "sitefarm.com", "yourwebshop.co", "hostedfirm.eu"),
}
ENDINGS: Final = {
    "CN": (".com", ".cn", ".com.cn", ".net.cn", ".net"),
    "US": (".com", ".com", ".net", ".us", ".io"),
    "GB": (".co.uk", ".co.uk", ".com", ".uk", ".org.uk"),
    "DE": (".de", ".de", ".com", ".eu"),
    "FR": (".fr", ".fr", ".com", ".eu"),
    "ES": (".es", ".es", ".com", ".eu"),
}
CHINESE_PEOPLE: Final = _words(
    "王磊 李娜 张伟 刘洋 陈静 杨帆 赵敏 黄涛 周杰 吴芳 徐强 孙丽 马超 朱琳 "
    "胡军 郭颖 何平 高峰 林晓 罗斌 郑凯 梁宇 谢婷 宋佳 唐勇 许健 韩雪 冯刚 "
    "邓超 曹明"
)
PINYIN_PEOPLE: Final = _words(
    "wang li zhang liu chen yang zhao huang zhou wu xu sun ma zhu hu guo he "
    "gao lin luo zheng liang xie song tang han feng deng cao peng zeng xiao "
    "tian dong pan yuan cai jiang yu du"
)
