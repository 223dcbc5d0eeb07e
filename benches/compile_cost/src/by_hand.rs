// Written by generate.py.

fn query_0(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_0 >= 0 && row.text_0 == "a0" && row.rate_0 > 0.5).count() as u64
}

fn query_1(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_1 == "a1" && row.rate_1 > 1.5 && row.count_0 < 1).cloned().collect::<Vec<_>>())
}

fn query_2(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.rate_2 > 2.5 && (2..=11).contains(&row.int_1) && row.text_2 == "a2").count() as u64
}

fn query_3(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 3 && row.text_3.starts_with("b3") && row.rate_3 > 3.5).cloned().collect::<Vec<_>>())
}

fn query_4(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_4.starts_with("b4") && row.rate_4 > 4.5 && row.int_2 < 4).count() as u64
}

fn query_5(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.rate_5 > 5.5 && ((5..=14).contains(&row.count_2) || row.text_5.starts_with("b5"))).cloned().collect::<Vec<_>>())
}

fn query_6(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_3 >= 6 && (row.text_6.contains("c6") || row.rate_0 > 6.5)).count() as u64
}

fn query_7(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_7.contains("c7") && (row.maybe_3.is_none() || row.count_3 < 7)).cloned().collect::<Vec<_>>())
}

fn query_8(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_0.is_none() && ((8..=17).contains(&row.int_4) || row.text_8.contains("c8"))).count() as u64
}

fn query_9(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 9 && (row.text_9 != "d9" || row.maybe_1.is_none())).cloned().collect::<Vec<_>>())
}

fn query_10(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_0 != "d10" && row.maybe_2.is_none() && row.int_5 < 10).count() as u64
}

fn query_11(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_3.is_none() && (11..=20).contains(&row.count_5) && row.text_1 != "d11").cloned().collect::<Vec<_>>())
}

fn query_12(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_6 >= 12 && row.text_2 == "a12" && row.maybe_0.is_none()).count() as u64
}

fn query_13(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_3 == "a13" && row.maybe_1.is_none() && row.count_0 < 13).cloned().collect::<Vec<_>>())
}

fn query_14(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_2.is_some_and(|seen| seen > 14) && (14..=23).contains(&row.int_7) && row.text_4 == "a14").count() as u64
}

fn query_15(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 15 && (row.text_5.starts_with("b15") || row.maybe_3.is_some_and(|seen| seen > 15))).cloned().collect::<Vec<_>>())
}

fn query_16(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_6.starts_with("b16") && (row.maybe_0.is_some_and(|seen| seen > 16) || row.int_0 < 16)).count() as u64
}

fn query_17(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_some_and(|seen| seen > 17) && ((17..=26).contains(&row.count_2) || row.text_7.starts_with("b17"))).cloned().collect::<Vec<_>>())
}

fn query_18(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_1 >= 18 && (row.text_8.contains("c18") || row.maybe_2.is_some_and(|seen| seen > 18))).count() as u64
}

fn query_19(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_9.contains("c19") && (row.maybe_3.is_some_and(|seen| seen > 19) || row.count_3 < 19)).cloned().collect::<Vec<_>>())
}

fn query_20(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_0.is_some_and(|seen| seen > 20) && (20..=29).contains(&row.int_2) && row.text_0.contains("c20")).count() as u64
}

fn query_21(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 21 && row.text_1 != "d21" && row.note_1.as_deref() == Some("n21")).cloned().collect::<Vec<_>>())
}

fn query_22(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_2 != "d22" && row.note_2.as_deref() == Some("n22") && row.int_3 < 22).count() as u64
}

fn query_23(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.note_3.as_deref() == Some("n23") && (23..=32).contains(&row.count_5) && row.text_3 != "d23").cloned().collect::<Vec<_>>())
}

fn query_24(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_4 >= 24 && row.text_4 == "a24" && row.note_0.as_deref() == Some("n24")).count() as u64
}

fn query_25(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_5 == "a25" && (row.note_1.as_deref() == Some("n25") || row.count_0 < 25)).cloned().collect::<Vec<_>>())
}

fn query_26(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.note_2.as_deref() == Some("n26") && ((26..=35).contains(&row.int_5) || row.text_6 == "a26")).count() as u64
}

fn query_27(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 27 && (row.text_7.starts_with("b27") || row.note_3.as_deref() == Some("n27"))).cloned().collect::<Vec<_>>())
}

fn query_28(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_8.starts_with("b28") && (row.flag_0 || row.int_6 < 28)).count() as u64
}

fn query_29(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.flag_1 && ((29..=38).contains(&row.count_2) || row.text_9.starts_with("b29"))).cloned().collect::<Vec<_>>())
}

fn query_30(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_7 >= 30 && row.text_0.contains("c30") && row.flag_0).count() as u64
}

fn query_31(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_1.contains("c31") && row.flag_1 && row.count_3 < 31).cloned().collect::<Vec<_>>())
}

fn query_32(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.flag_0 && (32..=41).contains(&row.int_0) && row.text_2.contains("c32")).count() as u64
}

fn query_33(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 33 && row.text_3 != "d33" && row.flag_1).cloned().collect::<Vec<_>>())
}

fn query_34(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_4 != "d34" && row.flag_0 && row.int_1 < 34).count() as u64
}

fn query_35(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.rate_5 > 35.5 && ((35..=44).contains(&row.count_5) || row.text_5 != "d35")).cloned().collect::<Vec<_>>())
}

fn query_36(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_2 >= 36 && (row.text_6 == "a36" || row.rate_0 > 36.5)).count() as u64
}

fn query_37(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_7 == "a37" && (row.rate_1 > 37.5 || row.count_0 < 37)).cloned().collect::<Vec<_>>())
}

fn query_38(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.rate_2 > 38.5 && ((38..=47).contains(&row.int_3) || row.text_8 == "a38")).count() as u64
}

fn query_39(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 39 && (row.text_9.starts_with("b39") || row.rate_3 > 39.5)).cloned().collect::<Vec<_>>())
}

fn query_40(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_0.starts_with("b40") && row.rate_4 > 40.5 && row.int_4 < 40).count() as u64
}

fn query_41(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.rate_5 > 41.5 && (41..=50).contains(&row.count_2) && row.text_1.starts_with("b41")).cloned().collect::<Vec<_>>())
}

fn query_42(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_5 >= 42 && row.text_2.contains("c42") && row.maybe_2.is_none()).count() as u64
}

fn query_43(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_3.contains("c43") && row.maybe_3.is_none() && row.count_3 < 43).cloned().collect::<Vec<_>>())
}

fn query_44(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_0.is_none() && (44..=53).contains(&row.int_6) && row.text_4.contains("c44")).count() as u64
}

fn query_45(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 45 && (row.text_5 != "d45" || row.maybe_1.is_none())).cloned().collect::<Vec<_>>())
}

fn query_46(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_6 != "d46" && (row.maybe_2.is_none() || row.int_7 < 46)).count() as u64
}

fn query_47(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_3.is_none() && ((47..=56).contains(&row.count_5) || row.text_7 != "d47")).cloned().collect::<Vec<_>>())
}

fn query_48(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_0 >= 48 && (row.text_8 == "a48" || row.maybe_0.is_none())).count() as u64
}

fn query_49(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_9 == "a49" && (row.maybe_1.is_some_and(|seen| seen > 49) || row.count_0 < 49)).cloned().collect::<Vec<_>>())
}

fn query_50(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_2.is_some_and(|seen| seen > 50) && (0..=9).contains(&row.int_1) && row.text_0 == "a50").count() as u64
}

fn query_51(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 1 && row.text_1.starts_with("b51") && row.maybe_3.is_some_and(|seen| seen > 51)).cloned().collect::<Vec<_>>())
}

fn query_52(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_2.starts_with("b52") && row.maybe_0.is_some_and(|seen| seen > 52) && row.int_2 < 2).count() as u64
}

fn query_53(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_some_and(|seen| seen > 53) && (3..=12).contains(&row.count_2) && row.text_3.starts_with("b53")).cloned().collect::<Vec<_>>())
}

fn query_54(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_3 >= 4 && row.text_4.contains("c54") && row.maybe_2.is_some_and(|seen| seen > 54)).count() as u64
}

fn query_55(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_5.contains("c55") && (row.maybe_3.is_some_and(|seen| seen > 55) || row.count_3 < 5)).cloned().collect::<Vec<_>>())
}

fn query_56(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.note_0.as_deref() == Some("n56") && ((6..=15).contains(&row.int_4) || row.text_6.contains("c56"))).count() as u64
}

fn query_57(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 7 && (row.text_7 != "d57" || row.note_1.as_deref() == Some("n57"))).cloned().collect::<Vec<_>>())
}

fn query_58(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_8 != "d58" && (row.note_2.as_deref() == Some("n58") || row.int_5 < 8)).count() as u64
}

fn query_59(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.note_3.as_deref() == Some("n59") && ((9..=18).contains(&row.count_5) || row.text_9 != "d59")).cloned().collect::<Vec<_>>())
}

fn query_60(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_6 >= 10 && row.text_0 == "a60" && row.note_0.as_deref() == Some("n60")).count() as u64
}

fn query_61(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_1 == "a61" && row.note_1.as_deref() == Some("n61") && row.count_0 < 11).cloned().collect::<Vec<_>>())
}

fn query_62(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.note_2.as_deref() == Some("n62") && (12..=21).contains(&row.int_7) && row.text_2 == "a62").count() as u64
}

fn query_63(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 13 && row.text_3.starts_with("b63") && row.flag_1).cloned().collect::<Vec<_>>())
}

fn query_64(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_4.starts_with("b64") && row.flag_0 && row.int_0 < 14).count() as u64
}

fn query_65(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.flag_1 && ((15..=24).contains(&row.count_2) || row.text_5.starts_with("b65"))).cloned().collect::<Vec<_>>())
}

fn query_66(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_1 >= 16 && (row.text_6.contains("c66") || row.flag_0)).count() as u64
}

fn query_67(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_7.contains("c67") && (row.flag_1 || row.count_3 < 17)).cloned().collect::<Vec<_>>())
}

fn query_68(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.flag_0 && ((18..=27).contains(&row.int_2) || row.text_8.contains("c68"))).count() as u64
}

fn query_69(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 19 && (row.text_9 != "d69" || row.flag_1)).cloned().collect::<Vec<_>>())
}

fn query_70(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_0 != "d70" && row.rate_4 > 70.5 && row.int_3 < 20).count() as u64
}

fn query_71(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.rate_5 > 71.5 && (21..=30).contains(&row.count_5) && row.text_1 != "d71").cloned().collect::<Vec<_>>())
}

fn query_72(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_4 >= 22 && row.text_2 == "a72" && row.rate_0 > 72.5).count() as u64
}

fn query_73(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_3 == "a73" && row.rate_1 > 73.5 && row.count_0 < 23).cloned().collect::<Vec<_>>())
}

fn query_74(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.rate_2 > 74.5 && (24..=33).contains(&row.int_5) && row.text_4 == "a74").count() as u64
}

fn query_75(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 25 && (row.text_5.starts_with("b75") || row.rate_3 > 75.5)).cloned().collect::<Vec<_>>())
}

fn query_76(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_6.starts_with("b76") && (row.rate_4 > 76.5 || row.int_6 < 26)).count() as u64
}

fn query_77(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_none() && ((27..=36).contains(&row.count_2) || row.text_7.starts_with("b77"))).cloned().collect::<Vec<_>>())
}

fn query_78(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_7 >= 28 && (row.text_8.contains("c78") || row.maybe_2.is_none())).count() as u64
}

fn query_79(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_9.contains("c79") && (row.maybe_3.is_none() || row.count_3 < 29)).cloned().collect::<Vec<_>>())
}

fn query_80(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_0.is_none() && (30..=39).contains(&row.int_0) && row.text_0.contains("c80")).count() as u64
}

fn query_81(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 31 && row.text_1 != "d81" && row.maybe_1.is_none()).cloned().collect::<Vec<_>>())
}

fn query_82(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_2 != "d82" && row.maybe_2.is_none() && row.int_1 < 32).count() as u64
}

fn query_83(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_3.is_none() && (33..=42).contains(&row.count_5) && row.text_3 != "d83").cloned().collect::<Vec<_>>())
}

fn query_84(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_2 >= 34 && row.text_4 == "a84" && row.maybe_0.is_some_and(|seen| seen > 84)).count() as u64
}

fn query_85(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_5 == "a85" && (row.maybe_1.is_some_and(|seen| seen > 85) || row.count_0 < 35)).cloned().collect::<Vec<_>>())
}

fn query_86(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_2.is_some_and(|seen| seen > 86) && ((36..=45).contains(&row.int_3) || row.text_6 == "a86")).count() as u64
}

fn query_87(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 37 && (row.text_7.starts_with("b87") || row.maybe_3.is_some_and(|seen| seen > 87))).cloned().collect::<Vec<_>>())
}

fn query_88(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_8.starts_with("b88") && (row.maybe_0.is_some_and(|seen| seen > 88) || row.int_4 < 38)).count() as u64
}

fn query_89(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_some_and(|seen| seen > 89) && ((39..=48).contains(&row.count_2) || row.text_9.starts_with("b89"))).cloned().collect::<Vec<_>>())
}

fn query_90(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_5 >= 40 && row.text_0.contains("c90") && row.maybe_2.is_some_and(|seen| seen > 90)).count() as u64
}

fn query_91(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_1.contains("c91") && row.note_3.as_deref() == Some("n91") && row.count_3 < 41).cloned().collect::<Vec<_>>())
}

fn query_92(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.note_0.as_deref() == Some("n92") && (42..=51).contains(&row.int_6) && row.text_2.contains("c92")).count() as u64
}

fn query_93(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 43 && row.text_3 != "d93" && row.note_1.as_deref() == Some("n93")).cloned().collect::<Vec<_>>())
}

fn query_94(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_4 != "d94" && row.note_2.as_deref() == Some("n94") && row.int_7 < 44).count() as u64
}

fn query_95(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.note_3.as_deref() == Some("n95") && ((45..=54).contains(&row.count_5) || row.text_5 != "d95")).cloned().collect::<Vec<_>>())
}

fn query_96(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_0 >= 46 && (row.text_6 == "a96" || row.note_0.as_deref() == Some("n96"))).count() as u64
}

fn query_97(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_7 == "a97" && (row.note_1.as_deref() == Some("n97") || row.count_0 < 47)).cloned().collect::<Vec<_>>())
}

fn query_98(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.flag_0 && ((48..=57).contains(&row.int_1) || row.text_8 == "a98")).count() as u64
}

fn query_99(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 49 && (row.text_9.starts_with("b99") || row.flag_1)).cloned().collect::<Vec<_>>())
}

fn query_100(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_0.starts_with("b100") && row.flag_0 && row.int_2 < 0).count() as u64
}

fn query_101(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.flag_1 && (1..=10).contains(&row.count_2) && row.text_1.starts_with("b101")).cloned().collect::<Vec<_>>())
}

fn query_102(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_3 >= 2 && row.text_2.contains("c102") && row.flag_0).count() as u64
}

fn query_103(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_3.contains("c103") && row.flag_1 && row.count_3 < 3).cloned().collect::<Vec<_>>())
}

fn query_104(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.flag_0 && (4..=13).contains(&row.int_4) && row.text_4.contains("c104")).count() as u64
}

fn query_105(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 5 && (row.text_5 != "d105" || row.rate_3 > 105.5)).cloned().collect::<Vec<_>>())
}

fn query_106(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_6 != "d106" && (row.rate_4 > 106.5 || row.int_5 < 6)).count() as u64
}

fn query_107(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.rate_5 > 107.5 && ((7..=16).contains(&row.count_5) || row.text_7 != "d107")).cloned().collect::<Vec<_>>())
}

fn query_108(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_6 >= 8 && (row.text_8 == "a108" || row.rate_0 > 108.5)).count() as u64
}

fn query_109(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_9 == "a109" && (row.rate_1 > 109.5 || row.count_0 < 9)).cloned().collect::<Vec<_>>())
}

fn query_110(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.rate_2 > 110.5 && (10..=19).contains(&row.int_7) && row.text_0 == "a110").count() as u64
}

fn query_111(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 11 && row.text_1.starts_with("b111") && row.rate_3 > 111.5).cloned().collect::<Vec<_>>())
}

fn query_112(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_2.starts_with("b112") && row.maybe_0.is_none() && row.int_0 < 12).count() as u64
}

fn query_113(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_none() && (13..=22).contains(&row.count_2) && row.text_3.starts_with("b113")).cloned().collect::<Vec<_>>())
}

fn query_114(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_1 >= 14 && row.text_4.contains("c114") && row.maybe_2.is_none()).count() as u64
}

fn query_115(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_5.contains("c115") && (row.maybe_3.is_none() || row.count_3 < 15)).cloned().collect::<Vec<_>>())
}

fn query_116(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_0.is_none() && ((16..=25).contains(&row.int_2) || row.text_6.contains("c116"))).count() as u64
}

fn query_117(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 17 && (row.text_7 != "d117" || row.maybe_1.is_none())).cloned().collect::<Vec<_>>())
}

fn query_118(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_8 != "d118" && (row.maybe_2.is_none() || row.int_3 < 18)).count() as u64
}

fn query_119(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_3.is_some_and(|seen| seen > 119) && ((19..=28).contains(&row.count_5) || row.text_9 != "d119")).cloned().collect::<Vec<_>>())
}

fn query_120(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_4 >= 20 && row.text_0 == "a120" && row.maybe_0.is_some_and(|seen| seen > 120)).count() as u64
}

fn query_121(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_1 == "a121" && row.maybe_1.is_some_and(|seen| seen > 121) && row.count_0 < 21).cloned().collect::<Vec<_>>())
}

fn query_122(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_2.is_some_and(|seen| seen > 122) && (22..=31).contains(&row.int_5) && row.text_2 == "a122").count() as u64
}

fn query_123(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 23 && row.text_3.starts_with("b123") && row.maybe_3.is_some_and(|seen| seen > 123)).cloned().collect::<Vec<_>>())
}

fn query_124(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_4.starts_with("b124") && row.maybe_0.is_some_and(|seen| seen > 124) && row.int_6 < 24).count() as u64
}

fn query_125(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_some_and(|seen| seen > 125) && ((25..=34).contains(&row.count_2) || row.text_5.starts_with("b125"))).cloned().collect::<Vec<_>>())
}

fn query_126(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_7 >= 26 && (row.text_6.contains("c126") || row.note_2.as_deref() == Some("n126"))).count() as u64
}

fn query_127(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_7.contains("c127") && (row.note_3.as_deref() == Some("n127") || row.count_3 < 27)).cloned().collect::<Vec<_>>())
}

fn query_128(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.note_0.as_deref() == Some("n128") && ((28..=37).contains(&row.int_0) || row.text_8.contains("c128"))).count() as u64
}

fn query_129(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 29 && (row.text_9 != "d129" || row.note_1.as_deref() == Some("n129"))).cloned().collect::<Vec<_>>())
}

fn query_130(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_0 != "d130" && row.note_2.as_deref() == Some("n130") && row.int_1 < 30).count() as u64
}

fn query_131(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.note_3.as_deref() == Some("n131") && (31..=40).contains(&row.count_5) && row.text_1 != "d131").cloned().collect::<Vec<_>>())
}

fn query_132(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_2 >= 32 && row.text_2 == "a132" && row.note_0.as_deref() == Some("n132")).count() as u64
}

fn query_133(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_3 == "a133" && row.flag_1 && row.count_0 < 33).cloned().collect::<Vec<_>>())
}

fn query_134(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.flag_0 && (34..=43).contains(&row.int_3) && row.text_4 == "a134").count() as u64
}

fn query_135(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 35 && (row.text_5.starts_with("b135") || row.flag_1)).cloned().collect::<Vec<_>>())
}

fn query_136(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_6.starts_with("b136") && (row.flag_0 || row.int_4 < 36)).count() as u64
}

fn query_137(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.flag_1 && ((37..=46).contains(&row.count_2) || row.text_7.starts_with("b137"))).cloned().collect::<Vec<_>>())
}

fn query_138(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_5 >= 38 && (row.text_8.contains("c138") || row.flag_0)).count() as u64
}

fn query_139(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_9.contains("c139") && (row.flag_1 || row.count_3 < 39)).cloned().collect::<Vec<_>>())
}

fn query_140(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.rate_2 > 140.5 && (40..=49).contains(&row.int_6) && row.text_0.contains("c140")).count() as u64
}

fn query_141(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 41 && row.text_1 != "d141" && row.rate_3 > 141.5).cloned().collect::<Vec<_>>())
}

fn query_142(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_2 != "d142" && row.rate_4 > 142.5 && row.int_7 < 42).count() as u64
}

fn query_143(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.rate_5 > 143.5 && (43..=52).contains(&row.count_5) && row.text_3 != "d143").cloned().collect::<Vec<_>>())
}

fn query_144(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_0 >= 44 && row.text_4 == "a144" && row.rate_0 > 144.5).count() as u64
}

fn query_145(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_5 == "a145" && (row.rate_1 > 145.5 || row.count_0 < 45)).cloned().collect::<Vec<_>>())
}

fn query_146(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.rate_2 > 146.5 && ((46..=55).contains(&row.int_1) || row.text_6 == "a146")).count() as u64
}

fn query_147(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 47 && (row.text_7.starts_with("b147") || row.maybe_3.is_none())).cloned().collect::<Vec<_>>())
}

fn query_148(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_8.starts_with("b148") && (row.maybe_0.is_none() || row.int_2 < 48)).count() as u64
}

fn query_149(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_none() && ((49..=58).contains(&row.count_2) || row.text_9.starts_with("b149"))).cloned().collect::<Vec<_>>())
}

fn query_150(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_3 >= 0 && row.text_0.contains("c150") && row.maybe_2.is_none()).count() as u64
}

fn query_151(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_1.contains("c151") && row.maybe_3.is_none() && row.count_3 < 1).cloned().collect::<Vec<_>>())
}

fn query_152(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_0.is_none() && (2..=11).contains(&row.int_4) && row.text_2.contains("c152")).count() as u64
}

fn query_153(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 3 && row.text_3 != "d153" && row.maybe_1.is_none()).cloned().collect::<Vec<_>>())
}

fn query_154(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_4 != "d154" && row.maybe_2.is_some_and(|seen| seen > 154) && row.int_5 < 4).count() as u64
}

fn query_155(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_3.is_some_and(|seen| seen > 155) && ((5..=14).contains(&row.count_5) || row.text_5 != "d155")).cloned().collect::<Vec<_>>())
}

fn query_156(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_6 >= 6 && (row.text_6 == "a156" || row.maybe_0.is_some_and(|seen| seen > 156))).count() as u64
}

fn query_157(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_7 == "a157" && (row.maybe_1.is_some_and(|seen| seen > 157) || row.count_0 < 7)).cloned().collect::<Vec<_>>())
}

fn query_158(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_2.is_some_and(|seen| seen > 158) && ((8..=17).contains(&row.int_7) || row.text_8 == "a158")).count() as u64
}

fn query_159(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 9 && (row.text_9.starts_with("b159") || row.maybe_3.is_some_and(|seen| seen > 159))).cloned().collect::<Vec<_>>())
}

fn query_160(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_0.starts_with("b160") && row.maybe_0.is_some_and(|seen| seen > 160) && row.int_0 < 10).count() as u64
}

fn query_161(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.note_1.as_deref() == Some("n161") && (11..=20).contains(&row.count_2) && row.text_1.starts_with("b161")).cloned().collect::<Vec<_>>())
}

fn query_162(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_1 >= 12 && row.text_2.contains("c162") && row.note_2.as_deref() == Some("n162")).count() as u64
}

fn query_163(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_3.contains("c163") && row.note_3.as_deref() == Some("n163") && row.count_3 < 13).cloned().collect::<Vec<_>>())
}

fn query_164(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.note_0.as_deref() == Some("n164") && (14..=23).contains(&row.int_2) && row.text_4.contains("c164")).count() as u64
}

fn query_165(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 15 && (row.text_5 != "d165" || row.note_1.as_deref() == Some("n165"))).cloned().collect::<Vec<_>>())
}

fn query_166(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_6 != "d166" && (row.note_2.as_deref() == Some("n166") || row.int_3 < 16)).count() as u64
}

fn query_167(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.note_3.as_deref() == Some("n167") && ((17..=26).contains(&row.count_5) || row.text_7 != "d167")).cloned().collect::<Vec<_>>())
}

fn query_168(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_4 >= 18 && (row.text_8 == "a168" || row.flag_0)).count() as u64
}

fn query_169(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_9 == "a169" && (row.flag_1 || row.count_0 < 19)).cloned().collect::<Vec<_>>())
}

fn query_170(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.flag_0 && (20..=29).contains(&row.int_5) && row.text_0 == "a170").count() as u64
}

fn query_171(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 21 && row.text_1.starts_with("b171") && row.flag_1).cloned().collect::<Vec<_>>())
}

fn query_172(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_2.starts_with("b172") && row.flag_0 && row.int_6 < 22).count() as u64
}

fn query_173(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.flag_1 && (23..=32).contains(&row.count_2) && row.text_3.starts_with("b173")).cloned().collect::<Vec<_>>())
}

fn query_174(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_7 >= 24 && row.text_4.contains("c174") && row.flag_0).count() as u64
}

fn query_175(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_5.contains("c175") && (row.rate_1 > 175.5 || row.count_3 < 25)).cloned().collect::<Vec<_>>())
}

fn query_176(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.rate_2 > 176.5 && ((26..=35).contains(&row.int_0) || row.text_6.contains("c176"))).count() as u64
}

fn query_177(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 27 && (row.text_7 != "d177" || row.rate_3 > 177.5)).cloned().collect::<Vec<_>>())
}

fn query_178(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_8 != "d178" && (row.rate_4 > 178.5 || row.int_1 < 28)).count() as u64
}

fn query_179(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.rate_5 > 179.5 && ((29..=38).contains(&row.count_5) || row.text_9 != "d179")).cloned().collect::<Vec<_>>())
}

fn query_180(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_2 >= 30 && row.text_0 == "a180" && row.rate_0 > 180.5).count() as u64
}

fn query_181(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_1 == "a181" && row.rate_1 > 181.5 && row.count_0 < 31).cloned().collect::<Vec<_>>())
}

fn query_182(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_2.is_none() && (32..=41).contains(&row.int_3) && row.text_2 == "a182").count() as u64
}

fn query_183(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 33 && row.text_3.starts_with("b183") && row.maybe_3.is_none()).cloned().collect::<Vec<_>>())
}

fn query_184(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_4.starts_with("b184") && row.maybe_0.is_none() && row.int_4 < 34).count() as u64
}

fn query_185(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_1.is_none() && ((35..=44).contains(&row.count_2) || row.text_5.starts_with("b185"))).cloned().collect::<Vec<_>>())
}

fn query_186(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_5 >= 36 && (row.text_6.contains("c186") || row.maybe_2.is_none())).count() as u64
}

fn query_187(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_7.contains("c187") && (row.maybe_3.is_none() || row.count_3 < 37)).cloned().collect::<Vec<_>>())
}

fn query_188(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_0.is_none() && ((38..=47).contains(&row.int_6) || row.text_8.contains("c188"))).count() as u64
}

fn query_189(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_4 >= 39 && (row.text_9 != "d189" || row.maybe_1.is_some_and(|seen| seen > 189))).cloned().collect::<Vec<_>>())
}

fn query_190(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_0 != "d190" && row.maybe_2.is_some_and(|seen| seen > 190) && row.int_7 < 40).count() as u64
}

fn query_191(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.maybe_3.is_some_and(|seen| seen > 191) && (41..=50).contains(&row.count_5) && row.text_1 != "d191").cloned().collect::<Vec<_>>())
}

fn query_192(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_0 >= 42 && row.text_2 == "a192" && row.maybe_0.is_some_and(|seen| seen > 192)).count() as u64
}

fn query_193(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_3 == "a193" && row.maybe_1.is_some_and(|seen| seen > 193) && row.count_0 < 43).cloned().collect::<Vec<_>>())
}

fn query_194(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.maybe_2.is_some_and(|seen| seen > 194) && (44..=53).contains(&row.int_1) && row.text_4 == "a194").count() as u64
}

fn query_195(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.count_1 >= 45 && (row.text_5.starts_with("b195") || row.maybe_3.is_some_and(|seen| seen > 195))).cloned().collect::<Vec<_>>())
}

fn query_196(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.text_6.starts_with("b196") && (row.note_0.as_deref() == Some("n196") || row.int_2 < 46)).count() as u64
}

fn query_197(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.note_1.as_deref() == Some("n197") && ((47..=56).contains(&row.count_2) || row.text_7.starts_with("b197"))).cloned().collect::<Vec<_>>())
}

fn query_198(rows: &[Wide]) -> u64 {
    rows.iter().filter(|row| row.int_3 >= 48 && (row.text_8.contains("c198") || row.note_2.as_deref() == Some("n198"))).count() as u64
}

fn query_199(rows: &[Wide]) -> u64 {
    found(&rows.iter().filter(|row| row.text_9.contains("c199") && (row.note_3.as_deref() == Some("n199") || row.count_3 < 49)).cloned().collect::<Vec<_>>())
}

fn all(rows: &[Wide]) -> u64 {
    let mut sum = 0;
    sum += query_0(rows);
    sum += query_1(rows);
    sum += query_2(rows);
    sum += query_3(rows);
    sum += query_4(rows);
    sum += query_5(rows);
    sum += query_6(rows);
    sum += query_7(rows);
    sum += query_8(rows);
    sum += query_9(rows);
    sum += query_10(rows);
    sum += query_11(rows);
    sum += query_12(rows);
    sum += query_13(rows);
    sum += query_14(rows);
    sum += query_15(rows);
    sum += query_16(rows);
    sum += query_17(rows);
    sum += query_18(rows);
    sum += query_19(rows);
    sum += query_20(rows);
    sum += query_21(rows);
    sum += query_22(rows);
    sum += query_23(rows);
    sum += query_24(rows);
    sum += query_25(rows);
    sum += query_26(rows);
    sum += query_27(rows);
    sum += query_28(rows);
    sum += query_29(rows);
    sum += query_30(rows);
    sum += query_31(rows);
    sum += query_32(rows);
    sum += query_33(rows);
    sum += query_34(rows);
    sum += query_35(rows);
    sum += query_36(rows);
    sum += query_37(rows);
    sum += query_38(rows);
    sum += query_39(rows);
    sum += query_40(rows);
    sum += query_41(rows);
    sum += query_42(rows);
    sum += query_43(rows);
    sum += query_44(rows);
    sum += query_45(rows);
    sum += query_46(rows);
    sum += query_47(rows);
    sum += query_48(rows);
    sum += query_49(rows);
    sum += query_50(rows);
    sum += query_51(rows);
    sum += query_52(rows);
    sum += query_53(rows);
    sum += query_54(rows);
    sum += query_55(rows);
    sum += query_56(rows);
    sum += query_57(rows);
    sum += query_58(rows);
    sum += query_59(rows);
    sum += query_60(rows);
    sum += query_61(rows);
    sum += query_62(rows);
    sum += query_63(rows);
    sum += query_64(rows);
    sum += query_65(rows);
    sum += query_66(rows);
    sum += query_67(rows);
    sum += query_68(rows);
    sum += query_69(rows);
    sum += query_70(rows);
    sum += query_71(rows);
    sum += query_72(rows);
    sum += query_73(rows);
    sum += query_74(rows);
    sum += query_75(rows);
    sum += query_76(rows);
    sum += query_77(rows);
    sum += query_78(rows);
    sum += query_79(rows);
    sum += query_80(rows);
    sum += query_81(rows);
    sum += query_82(rows);
    sum += query_83(rows);
    sum += query_84(rows);
    sum += query_85(rows);
    sum += query_86(rows);
    sum += query_87(rows);
    sum += query_88(rows);
    sum += query_89(rows);
    sum += query_90(rows);
    sum += query_91(rows);
    sum += query_92(rows);
    sum += query_93(rows);
    sum += query_94(rows);
    sum += query_95(rows);
    sum += query_96(rows);
    sum += query_97(rows);
    sum += query_98(rows);
    sum += query_99(rows);
    sum += query_100(rows);
    sum += query_101(rows);
    sum += query_102(rows);
    sum += query_103(rows);
    sum += query_104(rows);
    sum += query_105(rows);
    sum += query_106(rows);
    sum += query_107(rows);
    sum += query_108(rows);
    sum += query_109(rows);
    sum += query_110(rows);
    sum += query_111(rows);
    sum += query_112(rows);
    sum += query_113(rows);
    sum += query_114(rows);
    sum += query_115(rows);
    sum += query_116(rows);
    sum += query_117(rows);
    sum += query_118(rows);
    sum += query_119(rows);
    sum += query_120(rows);
    sum += query_121(rows);
    sum += query_122(rows);
    sum += query_123(rows);
    sum += query_124(rows);
    sum += query_125(rows);
    sum += query_126(rows);
    sum += query_127(rows);
    sum += query_128(rows);
    sum += query_129(rows);
    sum += query_130(rows);
    sum += query_131(rows);
    sum += query_132(rows);
    sum += query_133(rows);
    sum += query_134(rows);
    sum += query_135(rows);
    sum += query_136(rows);
    sum += query_137(rows);
    sum += query_138(rows);
    sum += query_139(rows);
    sum += query_140(rows);
    sum += query_141(rows);
    sum += query_142(rows);
    sum += query_143(rows);
    sum += query_144(rows);
    sum += query_145(rows);
    sum += query_146(rows);
    sum += query_147(rows);
    sum += query_148(rows);
    sum += query_149(rows);
    sum += query_150(rows);
    sum += query_151(rows);
    sum += query_152(rows);
    sum += query_153(rows);
    sum += query_154(rows);
    sum += query_155(rows);
    sum += query_156(rows);
    sum += query_157(rows);
    sum += query_158(rows);
    sum += query_159(rows);
    sum += query_160(rows);
    sum += query_161(rows);
    sum += query_162(rows);
    sum += query_163(rows);
    sum += query_164(rows);
    sum += query_165(rows);
    sum += query_166(rows);
    sum += query_167(rows);
    sum += query_168(rows);
    sum += query_169(rows);
    sum += query_170(rows);
    sum += query_171(rows);
    sum += query_172(rows);
    sum += query_173(rows);
    sum += query_174(rows);
    sum += query_175(rows);
    sum += query_176(rows);
    sum += query_177(rows);
    sum += query_178(rows);
    sum += query_179(rows);
    sum += query_180(rows);
    sum += query_181(rows);
    sum += query_182(rows);
    sum += query_183(rows);
    sum += query_184(rows);
    sum += query_185(rows);
    sum += query_186(rows);
    sum += query_187(rows);
    sum += query_188(rows);
    sum += query_189(rows);
    sum += query_190(rows);
    sum += query_191(rows);
    sum += query_192(rows);
    sum += query_193(rows);
    sum += query_194(rows);
    sum += query_195(rows);
    sum += query_196(rows);
    sum += query_197(rows);
    sum += query_198(rows);
    sum += query_199(rows);
    sum
}
