//! As much of XML as a client of S3 sends.

/// Text with the names of the elements around it, from the outermost to the innermost.
pub(super) type Leaf = (Vec<String>, String);

/// The innermost elements of a document, in their order. Names are without prefix; attributes
/// are overlooked. `None` if it is no document of one element, or has what clients of S3 do
/// not send: a DTD, a comment or a CDATA section.
pub(super) fn leaves(document: &str) -> Option<Vec<Leaf>> {
    let mut rest = document.trim();
    if rest.starts_with("<?xml") {
        rest = rest.split_once("?>")?.1.trim_start();
    }
    let (mut leaves, mut around) = (Vec::new(), Vec::new());
    // True if nothing but text has come since the last start tag.
    let mut is_leaf = false;
    while let Some((text, behind)) = rest.split_once('<') {
        let (tag, behind) = behind.split_once('>')?;
        if tag.starts_with(['!', '?']) || around.is_empty() && !text.is_empty() {
            return None;
        }
        if let Some(name) = tag.strip_prefix('/') {
            if is_leaf {
                leaves.push((around.clone(), unescape(text)?));
            }
            is_leaf = false;
            if around.pop()? != local(name) {
                return None;
            }
            if around.is_empty() {
                return behind.trim().is_empty().then_some(leaves);
            }
        } else {
            is_leaf = true;
            around.push(local(tag.strip_suffix('/').unwrap_or(tag)));
            if tag.ends_with('/') {
                leaves.push((around.clone(), String::new()));
                around.pop();
                is_leaf = false;
            }
        }
        rest = behind;
    }
    None
}

/// The name of a tag, without prefix and attributes.
fn local(tag: &str) -> String {
    let name = tag.split_ascii_whitespace().next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn unescape(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        let (entity, behind) = behind.split_once(';')?;
        plain += before;
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#')?;
                let code = match number.strip_prefix('x') {
                    Some(digits) => u32::from_str_radix(digits, 16),
                    None => number.parse(),
                };
                char::from_u32(code.ok()?)?
            }
        });
        rest = behind;
    }
    Some(plain + rest)
}

/// As XML has text.
pub(super) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> Option<Vec<(String, String)>> {
        let leaves = leaves(document)?;
        Some(leaves.into_iter().map(|(around, text)| (around.join("/"), text)).collect())
    }

    #[test]
    fn leaves_have_their_path_and_text() {
        let document = "<?xml version=\"1.0\"?>\n<C xmlns=\"a\"> <P>\n<N>1</N><s3:E>&quot;x&#34;\
                        &#x22;&amp;</s3:E></P><P><N/></P>\n</C>\n";
        let leaf = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let expected = [leaf("C/P/N", "1"), leaf("C/P/E", "\"x\"\"&"), leaf("C/P/N", "")];
        assert_eq!(read(document), Some(expected.to_vec()));
        assert_eq!(read("<C></C>"), Some(vec![leaf("C", "")]));
        assert_eq!(unescape(&escape("a<b>\"&")).as_deref(), Some("a<b>\"&"));
    }

    #[test]
    fn what_is_no_document() {
        for document in [
            "",
            "x",
            "<C>",
            "<C></D>",
            "<C></C><C></C>",
            "<C></C>x",
            "<C>&x;</C>",
            "<C>&#xd800;</C>",
            "<C><!-- --></C>",
            "<!DOCTYPE C><C></C>",
            "x<C></C>",
            "<C",
            "</C>",
        ] {
            assert_eq!(read(document), None, "{document}");
        }
    }
}
