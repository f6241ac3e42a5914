use proptest::prelude::*;

use super::*;

/// Every row as `line: [cells]`, every broken one as its problem. The reader gives one byte at a time when asked.
fn read(text: &[u8], drip: bool) -> Vec<String> {
    struct Drip(Vec<u8>, usize);
    impl Read for Drip {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let Some(byte) = self.0.get(self.1) else { return Ok(0) };
            to[0] = *byte;
            self.1 += 1;
            Ok(1)
        }
    }
    let input: Box<dyn Read + Send> =
        if drip { Box::new(Drip(text.to_vec(), 0)) } else { Box::new(io::Cursor::new(text.to_vec())) };
    let mut table = Table::open(input).unwrap().unwrap();
    let mut rows = Vec::new();
    loop {
        match table.step().unwrap() {
            Step::End => return rows,
            Step::Row => {
                let row = table.cells();
                let cells: Vec<_> =
                    (0..row.len()).map(|at| String::from_utf8_lossy(row.get(at)).into_owned()).collect();
                rows.push(format!("{}: {cells:?}", row.line));
            }
            step @ Step::Broken { .. } => rows.push(format!("{step:?}")),
            step @ Step::Hopeless { .. } => {
                rows.push(format!("{step:?}"));
                return rows;
            }
        }
    }
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(read(text.as_bytes(), false), expected);
}

#[test]
fn rows_are_cut_as_rfc_4180_says() {
    check("a,b\r\n1,2\r\n", &[r#"1: ["a", "b"]"#, r#"2: ["1", "2"]"#]);
    check("a,b\n1,", &[r#"1: ["a", "b"]"#, r#"2: ["1", ""]"#]);
    check("\"a,\nb\",\"c \"\"d\"\"\"\nx,y", &[r#"1: ["a,\nb", "c \"d\""]"#, r#"3: ["x", "y"]"#]);
    check("\"\",\"\"\n", &[r#"1: ["", ""]"#]);
    check(" \"a, b\" , c \r\n", &[r#"1: ["a, b", "c"]"#]);
}

#[test]
fn a_quotation_mark_inside_a_bare_cell_is_a_sign_like_others() {
    check("5\" disk,\"x\"\n", &[r#"1: ["5\" disk", "x"]"#]);
}

#[test]
fn lines_may_end_in_a_bare_return_everywhere() {
    check("a,b\r1,\"2\r3\"\rx,y", &[r#"1: ["a", "b"]"#, r#"2: ["1", "2\r3"]"#, r#"4: ["x", "y"]"#]);
}

#[test]
fn a_quotation_mark_left_open_costs_its_own_line_only() {
    check(
        "a,b\n1,\"2\n3,4\n5,6\n",
        &[
            r#"1: ["a", "b"]"#,
            "Broken { line: 2, problem: OpenQuote }",
            r#"3: ["3", "4"]"#,
            r#"4: ["5", "6"]"#,
        ],
    );
    check("\"a\" b,c\nd,e", &["Broken { line: 1, problem: BehindQuote }", r#"2: ["d", "e"]"#]);
}

#[test]
fn a_row_without_end_is_left_behind_in_bounded_memory() {
    let mut text = b"a,b\n".to_vec();
    text.extend(std::iter::repeat_n(b'x', 10_000_000));
    text.extend_from_slice(b"\n1,2\n\"");
    text.extend(std::iter::repeat_n(b'y', 10_000_000));
    text.extend_from_slice(b"\",2\n3,4\n");
    let mut table = Table::open(Box::new(io::Cursor::new(text.clone()))).unwrap().unwrap();
    while table.step().unwrap() != Step::End {
        assert!(table.buffer.len() <= 2 * ROW_MAX);
    }
    assert_eq!(
        read(&text, false),
        [
            r#"1: ["a", "b"]"#,
            "Broken { line: 2, problem: TooLong }",
            r#"3: ["1", "2"]"#,
            "Broken { line: 4, problem: OpenQuote }",
            r#"5: ["3", "4"]"#,
        ]
    );
}

#[test]
fn a_file_made_to_keep_us_busy_is_given_up() {
    let text = b"b\",\"\n".repeat(400_000);
    let rows = read(&text, false);
    assert!(rows.last().unwrap().starts_with("Hopeless"), "{:?}", rows.last());
}

proptest! {
    #[test]
    fn what_the_csv_crate_writes_comes_back(rows in prop::collection::vec(
        prop::collection::vec("[a-z\",;\n é']{0,6}", 3), 1..8), drip: bool)
    {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["h", "i", "j"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let found: Vec<String> =
            read(&text, drip).iter().map(|row| row.split_once(": ").unwrap().1.to_owned()).collect();
        let mut expected = vec![r#"["h", "i", "j"]"#.to_owned()];
        expected.extend(rows.iter().map(|row| {
            format!("{:?}", row.iter().map(|cell| cell.trim_matches(' ')).collect::<Vec<_>>())
        }));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_make_it_panic_or_lose_its_place(text in prop::collection::vec(
        prop::sample::select(b"a\",\r\n; '\0".to_vec()), 0..60))
    {
        let whole = read(&[b"h\n".as_slice(), &text].concat(), false);
        prop_assert_eq!(&whole, &read(&[b"h\n".as_slice(), &text].concat(), true));
    }
}
