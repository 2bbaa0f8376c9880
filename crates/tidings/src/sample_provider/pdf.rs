//! The smallest PDF that shows lines of text.

use bytes::Bytes;

/// A page with these lines, the first one large.
pub fn of(lines: &[String]) -> Bytes {
    let mut shown = String::from("BT /F1 20 Tf 72 770 Td 28 TL\n");
    for (index, line) in lines.iter().enumerate() {
        if index == 1 {
            shown.push_str("/F1 12 Tf 18 TL\n");
        }
        shown.push_str(&format!("({}) Tj T*\n", escaped(line)));
    }
    shown.push_str("ET\n");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{shown}endstream", shown.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
            .to_owned(),
    ];
    let mut text = String::from("%PDF-1.4\n");
    let mut places = Vec::with_capacity(objects.len());
    for (index, object) in objects.iter().enumerate() {
        places.push(text.len());
        text.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let table = text.len();
    text.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        text.push_str(&format!("{place:010} 00000 n \n"));
    }
    let count = objects.len() + 1;
    text.push_str(&format!(
        "trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n"
    ));
    text.into()
}

fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for character in line.chars() {
        match character {
            '(' | ')' | '\\' => text.extend(['\\', character]),
            ' '..='~' => text.push(character),
            _ => text.push('?'),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_the_place_of_every_object() {
        let bytes = of(&["A (large) line".to_owned(), "and \\ a small £".to_owned()]);
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("\n%%EOF\n"));
        assert!(text.contains(r"(A \(large\) line) Tj") && text.contains(r"(and \\ a small ?) Tj"));
        let table: usize =
            text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
        let mut rows = text[table..].lines().skip(3);
        for number in 1..=5 {
            let place: usize = rows.next().unwrap()[..10].parse().unwrap();
            assert!(text[place..].starts_with(&format!("{number} 0 obj\n")), "{number}");
        }
        let (_, stream) = text.split_once("stream\n").unwrap();
        let (stream, _) = stream.split_once("endstream").unwrap();
        assert!(text.contains(&format!("/Length {} ", stream.len())));
    }
}
