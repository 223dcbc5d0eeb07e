// Written by generate.py.

fn query_0(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_0.ge(0) & Wide::TEXT_0.eq("a0") & Wide::RATE_0.gt(0.5))
}

fn query_1(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_1.eq("a1") & Wide::RATE_1.gt(1.5) & Wide::COUNT_0.lt(1))).map(|rows| found(&rows))
}

fn query_2(store: &WideStore) -> Result<u64> {
    store.count(Wide::RATE_2.gt(2.5) & Wide::INT_1.between(2, 11) & Wide::TEXT_2.eq("a2"))
}

fn query_3(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(3) & Wide::TEXT_3.starts_with("b3") & Wide::RATE_3.gt(3.5))).map(|rows| found(&rows))
}

fn query_4(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_4.starts_with("b4") & Wide::RATE_4.gt(4.5) & Wide::INT_2.lt(4))
}

fn query_5(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::RATE_5.gt(5.5) & (Wide::COUNT_2.between(5, 14) | Wide::TEXT_5.starts_with("b5")))).map(|rows| found(&rows))
}

fn query_6(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_3.ge(6) & (Wide::TEXT_6.contains("c6") | Wide::RATE_0.gt(6.5)))
}

fn query_7(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_7.contains("c7") & (Wide::MAYBE_3.is_null() | Wide::COUNT_3.lt(7)))).map(|rows| found(&rows))
}

fn query_8(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_0.is_null() & (Wide::INT_4.between(8, 17) | Wide::TEXT_8.contains("c8")))
}

fn query_9(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(9) & (Wide::TEXT_9.ne("d9") | Wide::MAYBE_1.is_null()))).map(|rows| found(&rows))
}

fn query_10(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_0.ne("d10") & Wide::MAYBE_2.is_null() & Wide::INT_5.lt(10))
}

fn query_11(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_3.is_null() & Wide::COUNT_5.between(11, 20) & Wide::TEXT_1.ne("d11"))).map(|rows| found(&rows))
}

fn query_12(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_6.ge(12) & Wide::TEXT_2.eq("a12") & Wide::MAYBE_0.is_null())
}

fn query_13(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_3.eq("a13") & Wide::MAYBE_1.is_null() & Wide::COUNT_0.lt(13))).map(|rows| found(&rows))
}

fn query_14(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_2.gt(14) & Wide::INT_7.between(14, 23) & Wide::TEXT_4.eq("a14"))
}

fn query_15(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(15) & (Wide::TEXT_5.starts_with("b15") | Wide::MAYBE_3.gt(15)))).map(|rows| found(&rows))
}

fn query_16(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_6.starts_with("b16") & (Wide::MAYBE_0.gt(16) | Wide::INT_0.lt(16)))
}

fn query_17(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.gt(17) & (Wide::COUNT_2.between(17, 26) | Wide::TEXT_7.starts_with("b17")))).map(|rows| found(&rows))
}

fn query_18(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_1.ge(18) & (Wide::TEXT_8.contains("c18") | Wide::MAYBE_2.gt(18)))
}

fn query_19(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_9.contains("c19") & (Wide::MAYBE_3.gt(19) | Wide::COUNT_3.lt(19)))).map(|rows| found(&rows))
}

fn query_20(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_0.gt(20) & Wide::INT_2.between(20, 29) & Wide::TEXT_0.contains("c20"))
}

fn query_21(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(21) & Wide::TEXT_1.ne("d21") & Wide::NOTE_1.eq("n21"))).map(|rows| found(&rows))
}

fn query_22(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_2.ne("d22") & Wide::NOTE_2.eq("n22") & Wide::INT_3.lt(22))
}

fn query_23(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::NOTE_3.eq("n23") & Wide::COUNT_5.between(23, 32) & Wide::TEXT_3.ne("d23"))).map(|rows| found(&rows))
}

fn query_24(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_4.ge(24) & Wide::TEXT_4.eq("a24") & Wide::NOTE_0.eq("n24"))
}

fn query_25(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_5.eq("a25") & (Wide::NOTE_1.eq("n25") | Wide::COUNT_0.lt(25)))).map(|rows| found(&rows))
}

fn query_26(store: &WideStore) -> Result<u64> {
    store.count(Wide::NOTE_2.eq("n26") & (Wide::INT_5.between(26, 35) | Wide::TEXT_6.eq("a26")))
}

fn query_27(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(27) & (Wide::TEXT_7.starts_with("b27") | Wide::NOTE_3.eq("n27")))).map(|rows| found(&rows))
}

fn query_28(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_8.starts_with("b28") & (Wide::FLAG_0.eq(true) | Wide::INT_6.lt(28)))
}

fn query_29(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::FLAG_1.eq(true) & (Wide::COUNT_2.between(29, 38) | Wide::TEXT_9.starts_with("b29")))).map(|rows| found(&rows))
}

fn query_30(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_7.ge(30) & Wide::TEXT_0.contains("c30") & Wide::FLAG_0.eq(true))
}

fn query_31(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_1.contains("c31") & Wide::FLAG_1.eq(true) & Wide::COUNT_3.lt(31))).map(|rows| found(&rows))
}

fn query_32(store: &WideStore) -> Result<u64> {
    store.count(Wide::FLAG_0.eq(true) & Wide::INT_0.between(32, 41) & Wide::TEXT_2.contains("c32"))
}

fn query_33(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(33) & Wide::TEXT_3.ne("d33") & Wide::FLAG_1.eq(true))).map(|rows| found(&rows))
}

fn query_34(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_4.ne("d34") & Wide::FLAG_0.eq(true) & Wide::INT_1.lt(34))
}

fn query_35(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::RATE_5.gt(35.5) & (Wide::COUNT_5.between(35, 44) | Wide::TEXT_5.ne("d35")))).map(|rows| found(&rows))
}

fn query_36(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_2.ge(36) & (Wide::TEXT_6.eq("a36") | Wide::RATE_0.gt(36.5)))
}

fn query_37(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_7.eq("a37") & (Wide::RATE_1.gt(37.5) | Wide::COUNT_0.lt(37)))).map(|rows| found(&rows))
}

fn query_38(store: &WideStore) -> Result<u64> {
    store.count(Wide::RATE_2.gt(38.5) & (Wide::INT_3.between(38, 47) | Wide::TEXT_8.eq("a38")))
}

fn query_39(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(39) & (Wide::TEXT_9.starts_with("b39") | Wide::RATE_3.gt(39.5)))).map(|rows| found(&rows))
}

fn query_40(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_0.starts_with("b40") & Wide::RATE_4.gt(40.5) & Wide::INT_4.lt(40))
}

fn query_41(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::RATE_5.gt(41.5) & Wide::COUNT_2.between(41, 50) & Wide::TEXT_1.starts_with("b41"))).map(|rows| found(&rows))
}

fn query_42(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_5.ge(42) & Wide::TEXT_2.contains("c42") & Wide::MAYBE_2.is_null())
}

fn query_43(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_3.contains("c43") & Wide::MAYBE_3.is_null() & Wide::COUNT_3.lt(43))).map(|rows| found(&rows))
}

fn query_44(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_0.is_null() & Wide::INT_6.between(44, 53) & Wide::TEXT_4.contains("c44"))
}

fn query_45(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(45) & (Wide::TEXT_5.ne("d45") | Wide::MAYBE_1.is_null()))).map(|rows| found(&rows))
}

fn query_46(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_6.ne("d46") & (Wide::MAYBE_2.is_null() | Wide::INT_7.lt(46)))
}

fn query_47(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_3.is_null() & (Wide::COUNT_5.between(47, 56) | Wide::TEXT_7.ne("d47")))).map(|rows| found(&rows))
}

fn query_48(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_0.ge(48) & (Wide::TEXT_8.eq("a48") | Wide::MAYBE_0.is_null()))
}

fn query_49(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_9.eq("a49") & (Wide::MAYBE_1.gt(49) | Wide::COUNT_0.lt(49)))).map(|rows| found(&rows))
}

fn query_50(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_2.gt(50) & Wide::INT_1.between(0, 9) & Wide::TEXT_0.eq("a50"))
}

fn query_51(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(1) & Wide::TEXT_1.starts_with("b51") & Wide::MAYBE_3.gt(51))).map(|rows| found(&rows))
}

fn query_52(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_2.starts_with("b52") & Wide::MAYBE_0.gt(52) & Wide::INT_2.lt(2))
}

fn query_53(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.gt(53) & Wide::COUNT_2.between(3, 12) & Wide::TEXT_3.starts_with("b53"))).map(|rows| found(&rows))
}

fn query_54(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_3.ge(4) & Wide::TEXT_4.contains("c54") & Wide::MAYBE_2.gt(54))
}

fn query_55(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_5.contains("c55") & (Wide::MAYBE_3.gt(55) | Wide::COUNT_3.lt(5)))).map(|rows| found(&rows))
}

fn query_56(store: &WideStore) -> Result<u64> {
    store.count(Wide::NOTE_0.eq("n56") & (Wide::INT_4.between(6, 15) | Wide::TEXT_6.contains("c56")))
}

fn query_57(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(7) & (Wide::TEXT_7.ne("d57") | Wide::NOTE_1.eq("n57")))).map(|rows| found(&rows))
}

fn query_58(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_8.ne("d58") & (Wide::NOTE_2.eq("n58") | Wide::INT_5.lt(8)))
}

fn query_59(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::NOTE_3.eq("n59") & (Wide::COUNT_5.between(9, 18) | Wide::TEXT_9.ne("d59")))).map(|rows| found(&rows))
}

fn query_60(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_6.ge(10) & Wide::TEXT_0.eq("a60") & Wide::NOTE_0.eq("n60"))
}

fn query_61(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_1.eq("a61") & Wide::NOTE_1.eq("n61") & Wide::COUNT_0.lt(11))).map(|rows| found(&rows))
}

fn query_62(store: &WideStore) -> Result<u64> {
    store.count(Wide::NOTE_2.eq("n62") & Wide::INT_7.between(12, 21) & Wide::TEXT_2.eq("a62"))
}

fn query_63(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(13) & Wide::TEXT_3.starts_with("b63") & Wide::FLAG_1.eq(true))).map(|rows| found(&rows))
}

fn query_64(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_4.starts_with("b64") & Wide::FLAG_0.eq(true) & Wide::INT_0.lt(14))
}

fn query_65(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::FLAG_1.eq(true) & (Wide::COUNT_2.between(15, 24) | Wide::TEXT_5.starts_with("b65")))).map(|rows| found(&rows))
}

fn query_66(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_1.ge(16) & (Wide::TEXT_6.contains("c66") | Wide::FLAG_0.eq(true)))
}

fn query_67(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_7.contains("c67") & (Wide::FLAG_1.eq(true) | Wide::COUNT_3.lt(17)))).map(|rows| found(&rows))
}

fn query_68(store: &WideStore) -> Result<u64> {
    store.count(Wide::FLAG_0.eq(true) & (Wide::INT_2.between(18, 27) | Wide::TEXT_8.contains("c68")))
}

fn query_69(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(19) & (Wide::TEXT_9.ne("d69") | Wide::FLAG_1.eq(true)))).map(|rows| found(&rows))
}

fn query_70(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_0.ne("d70") & Wide::RATE_4.gt(70.5) & Wide::INT_3.lt(20))
}

fn query_71(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::RATE_5.gt(71.5) & Wide::COUNT_5.between(21, 30) & Wide::TEXT_1.ne("d71"))).map(|rows| found(&rows))
}

fn query_72(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_4.ge(22) & Wide::TEXT_2.eq("a72") & Wide::RATE_0.gt(72.5))
}

fn query_73(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_3.eq("a73") & Wide::RATE_1.gt(73.5) & Wide::COUNT_0.lt(23))).map(|rows| found(&rows))
}

fn query_74(store: &WideStore) -> Result<u64> {
    store.count(Wide::RATE_2.gt(74.5) & Wide::INT_5.between(24, 33) & Wide::TEXT_4.eq("a74"))
}

fn query_75(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(25) & (Wide::TEXT_5.starts_with("b75") | Wide::RATE_3.gt(75.5)))).map(|rows| found(&rows))
}

fn query_76(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_6.starts_with("b76") & (Wide::RATE_4.gt(76.5) | Wide::INT_6.lt(26)))
}

fn query_77(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.is_null() & (Wide::COUNT_2.between(27, 36) | Wide::TEXT_7.starts_with("b77")))).map(|rows| found(&rows))
}

fn query_78(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_7.ge(28) & (Wide::TEXT_8.contains("c78") | Wide::MAYBE_2.is_null()))
}

fn query_79(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_9.contains("c79") & (Wide::MAYBE_3.is_null() | Wide::COUNT_3.lt(29)))).map(|rows| found(&rows))
}

fn query_80(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_0.is_null() & Wide::INT_0.between(30, 39) & Wide::TEXT_0.contains("c80"))
}

fn query_81(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(31) & Wide::TEXT_1.ne("d81") & Wide::MAYBE_1.is_null())).map(|rows| found(&rows))
}

fn query_82(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_2.ne("d82") & Wide::MAYBE_2.is_null() & Wide::INT_1.lt(32))
}

fn query_83(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_3.is_null() & Wide::COUNT_5.between(33, 42) & Wide::TEXT_3.ne("d83"))).map(|rows| found(&rows))
}

fn query_84(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_2.ge(34) & Wide::TEXT_4.eq("a84") & Wide::MAYBE_0.gt(84))
}

fn query_85(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_5.eq("a85") & (Wide::MAYBE_1.gt(85) | Wide::COUNT_0.lt(35)))).map(|rows| found(&rows))
}

fn query_86(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_2.gt(86) & (Wide::INT_3.between(36, 45) | Wide::TEXT_6.eq("a86")))
}

fn query_87(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(37) & (Wide::TEXT_7.starts_with("b87") | Wide::MAYBE_3.gt(87)))).map(|rows| found(&rows))
}

fn query_88(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_8.starts_with("b88") & (Wide::MAYBE_0.gt(88) | Wide::INT_4.lt(38)))
}

fn query_89(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.gt(89) & (Wide::COUNT_2.between(39, 48) | Wide::TEXT_9.starts_with("b89")))).map(|rows| found(&rows))
}

fn query_90(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_5.ge(40) & Wide::TEXT_0.contains("c90") & Wide::MAYBE_2.gt(90))
}

fn query_91(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_1.contains("c91") & Wide::NOTE_3.eq("n91") & Wide::COUNT_3.lt(41))).map(|rows| found(&rows))
}

fn query_92(store: &WideStore) -> Result<u64> {
    store.count(Wide::NOTE_0.eq("n92") & Wide::INT_6.between(42, 51) & Wide::TEXT_2.contains("c92"))
}

fn query_93(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(43) & Wide::TEXT_3.ne("d93") & Wide::NOTE_1.eq("n93"))).map(|rows| found(&rows))
}

fn query_94(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_4.ne("d94") & Wide::NOTE_2.eq("n94") & Wide::INT_7.lt(44))
}

fn query_95(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::NOTE_3.eq("n95") & (Wide::COUNT_5.between(45, 54) | Wide::TEXT_5.ne("d95")))).map(|rows| found(&rows))
}

fn query_96(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_0.ge(46) & (Wide::TEXT_6.eq("a96") | Wide::NOTE_0.eq("n96")))
}

fn query_97(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_7.eq("a97") & (Wide::NOTE_1.eq("n97") | Wide::COUNT_0.lt(47)))).map(|rows| found(&rows))
}

fn query_98(store: &WideStore) -> Result<u64> {
    store.count(Wide::FLAG_0.eq(true) & (Wide::INT_1.between(48, 57) | Wide::TEXT_8.eq("a98")))
}

fn query_99(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(49) & (Wide::TEXT_9.starts_with("b99") | Wide::FLAG_1.eq(true)))).map(|rows| found(&rows))
}

fn query_100(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_0.starts_with("b100") & Wide::FLAG_0.eq(true) & Wide::INT_2.lt(0))
}

fn query_101(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::FLAG_1.eq(true) & Wide::COUNT_2.between(1, 10) & Wide::TEXT_1.starts_with("b101"))).map(|rows| found(&rows))
}

fn query_102(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_3.ge(2) & Wide::TEXT_2.contains("c102") & Wide::FLAG_0.eq(true))
}

fn query_103(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_3.contains("c103") & Wide::FLAG_1.eq(true) & Wide::COUNT_3.lt(3))).map(|rows| found(&rows))
}

fn query_104(store: &WideStore) -> Result<u64> {
    store.count(Wide::FLAG_0.eq(true) & Wide::INT_4.between(4, 13) & Wide::TEXT_4.contains("c104"))
}

fn query_105(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(5) & (Wide::TEXT_5.ne("d105") | Wide::RATE_3.gt(105.5)))).map(|rows| found(&rows))
}

fn query_106(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_6.ne("d106") & (Wide::RATE_4.gt(106.5) | Wide::INT_5.lt(6)))
}

fn query_107(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::RATE_5.gt(107.5) & (Wide::COUNT_5.between(7, 16) | Wide::TEXT_7.ne("d107")))).map(|rows| found(&rows))
}

fn query_108(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_6.ge(8) & (Wide::TEXT_8.eq("a108") | Wide::RATE_0.gt(108.5)))
}

fn query_109(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_9.eq("a109") & (Wide::RATE_1.gt(109.5) | Wide::COUNT_0.lt(9)))).map(|rows| found(&rows))
}

fn query_110(store: &WideStore) -> Result<u64> {
    store.count(Wide::RATE_2.gt(110.5) & Wide::INT_7.between(10, 19) & Wide::TEXT_0.eq("a110"))
}

fn query_111(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(11) & Wide::TEXT_1.starts_with("b111") & Wide::RATE_3.gt(111.5))).map(|rows| found(&rows))
}

fn query_112(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_2.starts_with("b112") & Wide::MAYBE_0.is_null() & Wide::INT_0.lt(12))
}

fn query_113(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.is_null() & Wide::COUNT_2.between(13, 22) & Wide::TEXT_3.starts_with("b113"))).map(|rows| found(&rows))
}

fn query_114(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_1.ge(14) & Wide::TEXT_4.contains("c114") & Wide::MAYBE_2.is_null())
}

fn query_115(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_5.contains("c115") & (Wide::MAYBE_3.is_null() | Wide::COUNT_3.lt(15)))).map(|rows| found(&rows))
}

fn query_116(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_0.is_null() & (Wide::INT_2.between(16, 25) | Wide::TEXT_6.contains("c116")))
}

fn query_117(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(17) & (Wide::TEXT_7.ne("d117") | Wide::MAYBE_1.is_null()))).map(|rows| found(&rows))
}

fn query_118(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_8.ne("d118") & (Wide::MAYBE_2.is_null() | Wide::INT_3.lt(18)))
}

fn query_119(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_3.gt(119) & (Wide::COUNT_5.between(19, 28) | Wide::TEXT_9.ne("d119")))).map(|rows| found(&rows))
}

fn query_120(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_4.ge(20) & Wide::TEXT_0.eq("a120") & Wide::MAYBE_0.gt(120))
}

fn query_121(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_1.eq("a121") & Wide::MAYBE_1.gt(121) & Wide::COUNT_0.lt(21))).map(|rows| found(&rows))
}

fn query_122(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_2.gt(122) & Wide::INT_5.between(22, 31) & Wide::TEXT_2.eq("a122"))
}

fn query_123(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(23) & Wide::TEXT_3.starts_with("b123") & Wide::MAYBE_3.gt(123))).map(|rows| found(&rows))
}

fn query_124(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_4.starts_with("b124") & Wide::MAYBE_0.gt(124) & Wide::INT_6.lt(24))
}

fn query_125(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.gt(125) & (Wide::COUNT_2.between(25, 34) | Wide::TEXT_5.starts_with("b125")))).map(|rows| found(&rows))
}

fn query_126(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_7.ge(26) & (Wide::TEXT_6.contains("c126") | Wide::NOTE_2.eq("n126")))
}

fn query_127(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_7.contains("c127") & (Wide::NOTE_3.eq("n127") | Wide::COUNT_3.lt(27)))).map(|rows| found(&rows))
}

fn query_128(store: &WideStore) -> Result<u64> {
    store.count(Wide::NOTE_0.eq("n128") & (Wide::INT_0.between(28, 37) | Wide::TEXT_8.contains("c128")))
}

fn query_129(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(29) & (Wide::TEXT_9.ne("d129") | Wide::NOTE_1.eq("n129")))).map(|rows| found(&rows))
}

fn query_130(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_0.ne("d130") & Wide::NOTE_2.eq("n130") & Wide::INT_1.lt(30))
}

fn query_131(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::NOTE_3.eq("n131") & Wide::COUNT_5.between(31, 40) & Wide::TEXT_1.ne("d131"))).map(|rows| found(&rows))
}

fn query_132(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_2.ge(32) & Wide::TEXT_2.eq("a132") & Wide::NOTE_0.eq("n132"))
}

fn query_133(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_3.eq("a133") & Wide::FLAG_1.eq(true) & Wide::COUNT_0.lt(33))).map(|rows| found(&rows))
}

fn query_134(store: &WideStore) -> Result<u64> {
    store.count(Wide::FLAG_0.eq(true) & Wide::INT_3.between(34, 43) & Wide::TEXT_4.eq("a134"))
}

fn query_135(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(35) & (Wide::TEXT_5.starts_with("b135") | Wide::FLAG_1.eq(true)))).map(|rows| found(&rows))
}

fn query_136(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_6.starts_with("b136") & (Wide::FLAG_0.eq(true) | Wide::INT_4.lt(36)))
}

fn query_137(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::FLAG_1.eq(true) & (Wide::COUNT_2.between(37, 46) | Wide::TEXT_7.starts_with("b137")))).map(|rows| found(&rows))
}

fn query_138(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_5.ge(38) & (Wide::TEXT_8.contains("c138") | Wide::FLAG_0.eq(true)))
}

fn query_139(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_9.contains("c139") & (Wide::FLAG_1.eq(true) | Wide::COUNT_3.lt(39)))).map(|rows| found(&rows))
}

fn query_140(store: &WideStore) -> Result<u64> {
    store.count(Wide::RATE_2.gt(140.5) & Wide::INT_6.between(40, 49) & Wide::TEXT_0.contains("c140"))
}

fn query_141(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(41) & Wide::TEXT_1.ne("d141") & Wide::RATE_3.gt(141.5))).map(|rows| found(&rows))
}

fn query_142(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_2.ne("d142") & Wide::RATE_4.gt(142.5) & Wide::INT_7.lt(42))
}

fn query_143(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::RATE_5.gt(143.5) & Wide::COUNT_5.between(43, 52) & Wide::TEXT_3.ne("d143"))).map(|rows| found(&rows))
}

fn query_144(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_0.ge(44) & Wide::TEXT_4.eq("a144") & Wide::RATE_0.gt(144.5))
}

fn query_145(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_5.eq("a145") & (Wide::RATE_1.gt(145.5) | Wide::COUNT_0.lt(45)))).map(|rows| found(&rows))
}

fn query_146(store: &WideStore) -> Result<u64> {
    store.count(Wide::RATE_2.gt(146.5) & (Wide::INT_1.between(46, 55) | Wide::TEXT_6.eq("a146")))
}

fn query_147(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(47) & (Wide::TEXT_7.starts_with("b147") | Wide::MAYBE_3.is_null()))).map(|rows| found(&rows))
}

fn query_148(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_8.starts_with("b148") & (Wide::MAYBE_0.is_null() | Wide::INT_2.lt(48)))
}

fn query_149(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.is_null() & (Wide::COUNT_2.between(49, 58) | Wide::TEXT_9.starts_with("b149")))).map(|rows| found(&rows))
}

fn query_150(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_3.ge(0) & Wide::TEXT_0.contains("c150") & Wide::MAYBE_2.is_null())
}

fn query_151(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_1.contains("c151") & Wide::MAYBE_3.is_null() & Wide::COUNT_3.lt(1))).map(|rows| found(&rows))
}

fn query_152(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_0.is_null() & Wide::INT_4.between(2, 11) & Wide::TEXT_2.contains("c152"))
}

fn query_153(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(3) & Wide::TEXT_3.ne("d153") & Wide::MAYBE_1.is_null())).map(|rows| found(&rows))
}

fn query_154(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_4.ne("d154") & Wide::MAYBE_2.gt(154) & Wide::INT_5.lt(4))
}

fn query_155(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_3.gt(155) & (Wide::COUNT_5.between(5, 14) | Wide::TEXT_5.ne("d155")))).map(|rows| found(&rows))
}

fn query_156(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_6.ge(6) & (Wide::TEXT_6.eq("a156") | Wide::MAYBE_0.gt(156)))
}

fn query_157(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_7.eq("a157") & (Wide::MAYBE_1.gt(157) | Wide::COUNT_0.lt(7)))).map(|rows| found(&rows))
}

fn query_158(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_2.gt(158) & (Wide::INT_7.between(8, 17) | Wide::TEXT_8.eq("a158")))
}

fn query_159(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(9) & (Wide::TEXT_9.starts_with("b159") | Wide::MAYBE_3.gt(159)))).map(|rows| found(&rows))
}

fn query_160(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_0.starts_with("b160") & Wide::MAYBE_0.gt(160) & Wide::INT_0.lt(10))
}

fn query_161(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::NOTE_1.eq("n161") & Wide::COUNT_2.between(11, 20) & Wide::TEXT_1.starts_with("b161"))).map(|rows| found(&rows))
}

fn query_162(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_1.ge(12) & Wide::TEXT_2.contains("c162") & Wide::NOTE_2.eq("n162"))
}

fn query_163(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_3.contains("c163") & Wide::NOTE_3.eq("n163") & Wide::COUNT_3.lt(13))).map(|rows| found(&rows))
}

fn query_164(store: &WideStore) -> Result<u64> {
    store.count(Wide::NOTE_0.eq("n164") & Wide::INT_2.between(14, 23) & Wide::TEXT_4.contains("c164"))
}

fn query_165(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(15) & (Wide::TEXT_5.ne("d165") | Wide::NOTE_1.eq("n165")))).map(|rows| found(&rows))
}

fn query_166(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_6.ne("d166") & (Wide::NOTE_2.eq("n166") | Wide::INT_3.lt(16)))
}

fn query_167(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::NOTE_3.eq("n167") & (Wide::COUNT_5.between(17, 26) | Wide::TEXT_7.ne("d167")))).map(|rows| found(&rows))
}

fn query_168(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_4.ge(18) & (Wide::TEXT_8.eq("a168") | Wide::FLAG_0.eq(true)))
}

fn query_169(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_9.eq("a169") & (Wide::FLAG_1.eq(true) | Wide::COUNT_0.lt(19)))).map(|rows| found(&rows))
}

fn query_170(store: &WideStore) -> Result<u64> {
    store.count(Wide::FLAG_0.eq(true) & Wide::INT_5.between(20, 29) & Wide::TEXT_0.eq("a170"))
}

fn query_171(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(21) & Wide::TEXT_1.starts_with("b171") & Wide::FLAG_1.eq(true))).map(|rows| found(&rows))
}

fn query_172(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_2.starts_with("b172") & Wide::FLAG_0.eq(true) & Wide::INT_6.lt(22))
}

fn query_173(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::FLAG_1.eq(true) & Wide::COUNT_2.between(23, 32) & Wide::TEXT_3.starts_with("b173"))).map(|rows| found(&rows))
}

fn query_174(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_7.ge(24) & Wide::TEXT_4.contains("c174") & Wide::FLAG_0.eq(true))
}

fn query_175(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_5.contains("c175") & (Wide::RATE_1.gt(175.5) | Wide::COUNT_3.lt(25)))).map(|rows| found(&rows))
}

fn query_176(store: &WideStore) -> Result<u64> {
    store.count(Wide::RATE_2.gt(176.5) & (Wide::INT_0.between(26, 35) | Wide::TEXT_6.contains("c176")))
}

fn query_177(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(27) & (Wide::TEXT_7.ne("d177") | Wide::RATE_3.gt(177.5)))).map(|rows| found(&rows))
}

fn query_178(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_8.ne("d178") & (Wide::RATE_4.gt(178.5) | Wide::INT_1.lt(28)))
}

fn query_179(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::RATE_5.gt(179.5) & (Wide::COUNT_5.between(29, 38) | Wide::TEXT_9.ne("d179")))).map(|rows| found(&rows))
}

fn query_180(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_2.ge(30) & Wide::TEXT_0.eq("a180") & Wide::RATE_0.gt(180.5))
}

fn query_181(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_1.eq("a181") & Wide::RATE_1.gt(181.5) & Wide::COUNT_0.lt(31))).map(|rows| found(&rows))
}

fn query_182(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_2.is_null() & Wide::INT_3.between(32, 41) & Wide::TEXT_2.eq("a182"))
}

fn query_183(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(33) & Wide::TEXT_3.starts_with("b183") & Wide::MAYBE_3.is_null())).map(|rows| found(&rows))
}

fn query_184(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_4.starts_with("b184") & Wide::MAYBE_0.is_null() & Wide::INT_4.lt(34))
}

fn query_185(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_1.is_null() & (Wide::COUNT_2.between(35, 44) | Wide::TEXT_5.starts_with("b185")))).map(|rows| found(&rows))
}

fn query_186(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_5.ge(36) & (Wide::TEXT_6.contains("c186") | Wide::MAYBE_2.is_null()))
}

fn query_187(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_7.contains("c187") & (Wide::MAYBE_3.is_null() | Wide::COUNT_3.lt(37)))).map(|rows| found(&rows))
}

fn query_188(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_0.is_null() & (Wide::INT_6.between(38, 47) | Wide::TEXT_8.contains("c188")))
}

fn query_189(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_4.ge(39) & (Wide::TEXT_9.ne("d189") | Wide::MAYBE_1.gt(189)))).map(|rows| found(&rows))
}

fn query_190(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_0.ne("d190") & Wide::MAYBE_2.gt(190) & Wide::INT_7.lt(40))
}

fn query_191(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::MAYBE_3.gt(191) & Wide::COUNT_5.between(41, 50) & Wide::TEXT_1.ne("d191"))).map(|rows| found(&rows))
}

fn query_192(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_0.ge(42) & Wide::TEXT_2.eq("a192") & Wide::MAYBE_0.gt(192))
}

fn query_193(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_3.eq("a193") & Wide::MAYBE_1.gt(193) & Wide::COUNT_0.lt(43))).map(|rows| found(&rows))
}

fn query_194(store: &WideStore) -> Result<u64> {
    store.count(Wide::MAYBE_2.gt(194) & Wide::INT_1.between(44, 53) & Wide::TEXT_4.eq("a194"))
}

fn query_195(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::COUNT_1.ge(45) & (Wide::TEXT_5.starts_with("b195") | Wide::MAYBE_3.gt(195)))).map(|rows| found(&rows))
}

fn query_196(store: &WideStore) -> Result<u64> {
    store.count(Wide::TEXT_6.starts_with("b196") & (Wide::NOTE_0.eq("n196") | Wide::INT_2.lt(46)))
}

fn query_197(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::NOTE_1.eq("n197") & (Wide::COUNT_2.between(47, 56) | Wide::TEXT_7.starts_with("b197")))).map(|rows| found(&rows))
}

fn query_198(store: &WideStore) -> Result<u64> {
    store.count(Wide::INT_3.ge(48) & (Wide::TEXT_8.contains("c198") | Wide::NOTE_2.eq("n198")))
}

fn query_199(store: &WideStore) -> Result<u64> {
    store.search(Wide::query().filter(Wide::TEXT_9.contains("c199") & (Wide::NOTE_3.eq("n199") | Wide::COUNT_3.lt(49)))).map(|rows| found(&rows))
}

fn all(store: &WideStore) -> Result<u64> {
    let mut sum = 0;
    sum += query_0(store)?;
    sum += query_1(store)?;
    sum += query_2(store)?;
    sum += query_3(store)?;
    sum += query_4(store)?;
    sum += query_5(store)?;
    sum += query_6(store)?;
    sum += query_7(store)?;
    sum += query_8(store)?;
    sum += query_9(store)?;
    sum += query_10(store)?;
    sum += query_11(store)?;
    sum += query_12(store)?;
    sum += query_13(store)?;
    sum += query_14(store)?;
    sum += query_15(store)?;
    sum += query_16(store)?;
    sum += query_17(store)?;
    sum += query_18(store)?;
    sum += query_19(store)?;
    sum += query_20(store)?;
    sum += query_21(store)?;
    sum += query_22(store)?;
    sum += query_23(store)?;
    sum += query_24(store)?;
    sum += query_25(store)?;
    sum += query_26(store)?;
    sum += query_27(store)?;
    sum += query_28(store)?;
    sum += query_29(store)?;
    sum += query_30(store)?;
    sum += query_31(store)?;
    sum += query_32(store)?;
    sum += query_33(store)?;
    sum += query_34(store)?;
    sum += query_35(store)?;
    sum += query_36(store)?;
    sum += query_37(store)?;
    sum += query_38(store)?;
    sum += query_39(store)?;
    sum += query_40(store)?;
    sum += query_41(store)?;
    sum += query_42(store)?;
    sum += query_43(store)?;
    sum += query_44(store)?;
    sum += query_45(store)?;
    sum += query_46(store)?;
    sum += query_47(store)?;
    sum += query_48(store)?;
    sum += query_49(store)?;
    sum += query_50(store)?;
    sum += query_51(store)?;
    sum += query_52(store)?;
    sum += query_53(store)?;
    sum += query_54(store)?;
    sum += query_55(store)?;
    sum += query_56(store)?;
    sum += query_57(store)?;
    sum += query_58(store)?;
    sum += query_59(store)?;
    sum += query_60(store)?;
    sum += query_61(store)?;
    sum += query_62(store)?;
    sum += query_63(store)?;
    sum += query_64(store)?;
    sum += query_65(store)?;
    sum += query_66(store)?;
    sum += query_67(store)?;
    sum += query_68(store)?;
    sum += query_69(store)?;
    sum += query_70(store)?;
    sum += query_71(store)?;
    sum += query_72(store)?;
    sum += query_73(store)?;
    sum += query_74(store)?;
    sum += query_75(store)?;
    sum += query_76(store)?;
    sum += query_77(store)?;
    sum += query_78(store)?;
    sum += query_79(store)?;
    sum += query_80(store)?;
    sum += query_81(store)?;
    sum += query_82(store)?;
    sum += query_83(store)?;
    sum += query_84(store)?;
    sum += query_85(store)?;
    sum += query_86(store)?;
    sum += query_87(store)?;
    sum += query_88(store)?;
    sum += query_89(store)?;
    sum += query_90(store)?;
    sum += query_91(store)?;
    sum += query_92(store)?;
    sum += query_93(store)?;
    sum += query_94(store)?;
    sum += query_95(store)?;
    sum += query_96(store)?;
    sum += query_97(store)?;
    sum += query_98(store)?;
    sum += query_99(store)?;
    sum += query_100(store)?;
    sum += query_101(store)?;
    sum += query_102(store)?;
    sum += query_103(store)?;
    sum += query_104(store)?;
    sum += query_105(store)?;
    sum += query_106(store)?;
    sum += query_107(store)?;
    sum += query_108(store)?;
    sum += query_109(store)?;
    sum += query_110(store)?;
    sum += query_111(store)?;
    sum += query_112(store)?;
    sum += query_113(store)?;
    sum += query_114(store)?;
    sum += query_115(store)?;
    sum += query_116(store)?;
    sum += query_117(store)?;
    sum += query_118(store)?;
    sum += query_119(store)?;
    sum += query_120(store)?;
    sum += query_121(store)?;
    sum += query_122(store)?;
    sum += query_123(store)?;
    sum += query_124(store)?;
    sum += query_125(store)?;
    sum += query_126(store)?;
    sum += query_127(store)?;
    sum += query_128(store)?;
    sum += query_129(store)?;
    sum += query_130(store)?;
    sum += query_131(store)?;
    sum += query_132(store)?;
    sum += query_133(store)?;
    sum += query_134(store)?;
    sum += query_135(store)?;
    sum += query_136(store)?;
    sum += query_137(store)?;
    sum += query_138(store)?;
    sum += query_139(store)?;
    sum += query_140(store)?;
    sum += query_141(store)?;
    sum += query_142(store)?;
    sum += query_143(store)?;
    sum += query_144(store)?;
    sum += query_145(store)?;
    sum += query_146(store)?;
    sum += query_147(store)?;
    sum += query_148(store)?;
    sum += query_149(store)?;
    sum += query_150(store)?;
    sum += query_151(store)?;
    sum += query_152(store)?;
    sum += query_153(store)?;
    sum += query_154(store)?;
    sum += query_155(store)?;
    sum += query_156(store)?;
    sum += query_157(store)?;
    sum += query_158(store)?;
    sum += query_159(store)?;
    sum += query_160(store)?;
    sum += query_161(store)?;
    sum += query_162(store)?;
    sum += query_163(store)?;
    sum += query_164(store)?;
    sum += query_165(store)?;
    sum += query_166(store)?;
    sum += query_167(store)?;
    sum += query_168(store)?;
    sum += query_169(store)?;
    sum += query_170(store)?;
    sum += query_171(store)?;
    sum += query_172(store)?;
    sum += query_173(store)?;
    sum += query_174(store)?;
    sum += query_175(store)?;
    sum += query_176(store)?;
    sum += query_177(store)?;
    sum += query_178(store)?;
    sum += query_179(store)?;
    sum += query_180(store)?;
    sum += query_181(store)?;
    sum += query_182(store)?;
    sum += query_183(store)?;
    sum += query_184(store)?;
    sum += query_185(store)?;
    sum += query_186(store)?;
    sum += query_187(store)?;
    sum += query_188(store)?;
    sum += query_189(store)?;
    sum += query_190(store)?;
    sum += query_191(store)?;
    sum += query_192(store)?;
    sum += query_193(store)?;
    sum += query_194(store)?;
    sum += query_195(store)?;
    sum += query_196(store)?;
    sum += query_197(store)?;
    sum += query_198(store)?;
    sum += query_199(store)?;
    Ok(sum)
}
