//! How Sabre's command line is spelt: Python's `argparse`, as far as its options need.
//!
//! An option may be short or long, long ones cut short where no other begins so; the value follows
//! as a word, after `=`, or directly after one letter (`-b10`). A word that begins with a dash is a
//! value only if it is a plain negative number.

use super::super::super::CompatError;

/// Sabre's options: both spellings, and how many values the option takes.
const OPTIONS: [(&str, &str, Takes); 19] = [
    ("-h", "--help", Takes::Nothing),
    ("-n", "--network", Takes::One),
    ("-nm", "--network-multiplier", Takes::One),
    ("-m", "--movie", Takes::One),
    ("-ml", "--movie-length", Takes::One),
    ("-a", "--abr", Takes::One),
    ("-ab", "--abr-basic", Takes::Nothing),
    ("-ao", "--abr-osc", Takes::Nothing),
    ("-gp", "--gamma-p", Takes::One),
    ("-noibr", "--no-insufficient-buffer-rule", Takes::Nothing),
    ("-ma", "--moving-average", Takes::One),
    ("-ws", "--window-size", Takes::Several),
    ("-hl", "--half-life", Takes::Several),
    ("-s", "--seek", Takes::Two),
    ("-r", "--replace", Takes::One),
    ("-b", "--max-buffer", Takes::One),
    ("-noa", "--no-abandon", Takes::Nothing),
    ("-rmp", "--rampup-threshold", Takes::One),
    ("-v", "--verbose", Takes::Nothing),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    One,
    Two,
    Several,
}

/// An option with its values.
#[derive(Debug, PartialEq)]
pub(super) struct Given<'a> {
    /// Its short spelling.
    pub(super) name: &'static str,
    /// As many as the option takes.
    pub(super) values: Vec<&'a str>,
}

/// The options of a command line, in order.
pub(super) fn options(line: &str) -> Result<Vec<Given<'_>>, CompatError> {
    let mut words = line.split_whitespace().peekable();
    let mut given = Vec::new();
    while let Some(word) = words.next() {
        let (name, takes, attached) = find(word)?;
        let mut values: Vec<&str> = attached.into_iter().collect();
        if attached.is_none() {
            let most = match takes {
                Takes::Nothing => 0,
                Takes::One => 1,
                Takes::Two => 2,
                Takes::Several => usize::MAX,
            };
            while values.len() < most && words.peek().is_some_and(|word| is_value(word)) {
                values.extend(words.next());
            }
        }
        let (enough, expected) = match takes {
            Takes::Nothing => (values.is_empty(), "no value"),
            Takes::One => (values.len() == 1, "a value"),
            Takes::Two => (values.len() == 2, "two numbers"),
            Takes::Several => (!values.is_empty(), "one value or more"),
        };
        if !enough {
            let found = match values[..] {
                [] => "nothing".to_owned(),
                _ => values.join(" "),
            };
            return Err(CompatError::option(word, expected, found));
        }
        given.push(Given { name, values });
    }
    Ok(given)
}

fn is_value(word: &str) -> bool {
    let Some(number) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
        return true;
    };
    let digits = |text: &str| text.chars().all(|letter| letter.is_ascii_digit());
    match number.split_once('.') {
        None => digits(number),
        Some((whole, part)) => digits(whole) && digits(part) && !part.is_empty(),
    }
}

/// The option that `word` names, and a value attached to it.
fn find(word: &str) -> Result<(&'static str, Takes, Option<&str>), CompatError> {
    let exactly = |spelling: &str| {
        let mut all = OPTIONS.iter();
        all.find(|(short, long, _)| spelling == *short || spelling == *long)
    };
    let (spelling, attached) = match word.split_once('=') {
        Some((spelling, value)) => (spelling, Some(value)),
        None => (word, None),
    };
    if let Some(&(name, _, takes)) = exactly(spelling) {
        return Ok((name, takes, attached));
    }
    let cut = |(short, long, _): &&(&str, &str, Takes)| {
        word.len() > 1 && short.starts_with(word)
            || spelling.len() > 2 && long.starts_with(spelling)
    };
    let letter = word
        .char_indices()
        .nth(2)
        .map(|(end, _)| word.split_at(end));
    let letter = letter.and_then(|(letter, value)| Some((exactly(letter)?, Some(value))));
    let cut = OPTIONS.iter().filter(cut).map(|option| (option, attached));
    let candidates: Vec<_> = cut.chain(letter).collect();
    match candidates[..] {
        [(&(name, _, takes), value)] => Ok((name, takes, value)),
        [] => {
            let expected = "-a -ab -ao -noibr -ma -ws -hl -b -gp -noa -r -s -nm -ml or -rmp";
            Err(CompatError::option(word, expected, word))
        }
        _ => {
            let name = |&((short, long, _), _): &(&(&'static str, &'static str, Takes), _)| {
                if word.starts_with("--") {
                    *long
                } else {
                    *short
                }
            };
            let names: Vec<&str> = candidates.iter().map(name).collect();
            let found = format!("what could be {}", names.join(" or "));
            Err(CompatError::option(word, "one option", found))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// What `line` says, spelt out in full.
    fn plainly(line: &str) -> String {
        let words = |given: Given<'_>| [&[given.name], &given.values[..]].concat().join(" ");
        let given = options(line).unwrap().into_iter().map(words);
        given.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_spelling_says_the_same() {
        for line in ["-a bola", "--abr bola", "--abr=bola", "-a=bola", "-abola"] {
            assert_eq!(plainly(line), "-a bola", "{line}");
        }
        for line in ["-b 10", "-b10", "--max-buffer=10", "--max 10", "--ma=10"] {
            assert_eq!(plainly(line), "-b 10", "{line}");
        }
        assert_eq!(plainly("--abr-b --no-i --no-a"), "-ab -noibr -noa");
        assert_eq!(plainly("-nm=0.5 -g 2 -w 3"), "-nm 0.5 -gp 2 -ws 3");
        assert_eq!(plainly("-hl 3 8 -ws=4 -v"), "-hl 3 8 -ws 4 -v");
        assert_eq!(plainly("-s -5 -.5 -rmp -1"), "-s -5 -.5 -rmp -1");
        assert_eq!(plainly(""), "");
    }

    #[test]
    fn refuses_what_argparse_refuses() {
        let refusal = |line| options(line).unwrap_err().to_string();
        assert!(refusal("--what").contains("-noibr"));
        assert!(refusal("-a bola stray").contains("`stray`"));
        assert!(refusal("--ab bola").contains("--abr or --abr-basic"));
        assert!(refusal("-no").contains("-noibr or -noa or -n"));
        assert!(refusal("-rm 2").contains("-rmp or -r"));
        assert!(refusal("-b").contains("found nothing"));
        assert!(refusal("-b -ab").contains("found nothing"));
        assert!(refusal("-b -1e3").contains("found nothing"));
        assert!(refusal("-s 3").contains("two numbers, found 3"));
        assert!(refusal("--seek=3").contains("two numbers"));
        assert!(refusal("-ab=1").contains("no value, found 1"));
        assert!(refusal("-").contains("`-`"));
    }
}
