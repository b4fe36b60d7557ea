//! Scripts from a seed.

use std::time::Duration;

use super::{Act, Answer, End, Framing, Malformed, Rule, Space, Then, Which};
use crate::random::Random;

impl Rule {
    /// One that is for some of the first requests, or for all.
    pub fn draw(random: &mut Random) -> Self {
        let which =
            Which { is_reused: random.chance(20).then(|| random.chance(50)), ..Which::default() };
        let times = if random.chance(30) { usize::MAX } else { 1 + random.below(3) };
        Self { which, skip: random.below(4), times, act: Act::draw(random) }
    }
}

impl Act {
    /// Any of them, with small numbers and times of up to a minute.
    pub fn draw(random: &mut Random) -> Self {
        match random.below(4) {
            0 => Self::draw_at_head(random),
            1 => Self::draw_in_content(random),
            2 => Self::draw_done(random),
            _ => Self::draw_answer(random),
        }
    }

    fn draw_at_head(random: &mut Random) -> Self {
        let end = draw_end(random);
        match random.below(9) {
            0 => Act::EndInHead { after: random.below(200), end },
            1 => Act::BytesBeforeHead(b"HTTP/1.1 408 x\r\n\r\n".to_vec()),
            2 => Act::EndBehindHead(end),
            3 => Act::Refuse(draw_error(random), draw_then(random)),
            4 => Act::Redirect("http://127.0.0.1:1".to_owned(), draw_then(random)),
            5 => Act::NoContinue,
            6 => Act::LateContinue(draw_time(random)),
            7 => Act::UnaskedContinue,
            _ => Act::EndAtContinue(end),
        }
    }

    fn draw_in_content(random: &mut Random) -> Self {
        let after = random.below(2000) as u64;
        match random.below(8) {
            0 | 1 => Act::EndInContent { after, end: draw_end(random) },
            2 => {
                let answer = if random.chance(30) {
                    Answer::status(200).with("ETag", "\"early\"")
                } else {
                    draw_error(random)
                };
                Act::AnswerInContent { after, answer, then: draw_then(random) }
            }
            3 => Act::InterimInContent { after, statuses: draw_interim(random) },
            4 => {
                let time = random.chance(80).then(|| draw_time(random));
                Act::StopReading { after, time }
            }
            5 => Act::TimeOut(draw_time(random)),
            6 => Act::KeepCut,
            _ => Act::KeepNothingOfFin,
        }
    }

    fn draw_done(random: &mut Random) -> Self {
        match random.below(5) {
            0 => Act::Answer(draw_error(random)),
            1 => Act::DoAndAnswer(draw_error(random)),
            2 => Act::WrongEtag,
            3 => Act::KmsEtag,
            _ => Act::ReviveUpload,
        }
    }

    fn draw_answer(random: &mut Random) -> Self {
        let end = draw_end(random);
        match random.below(12) {
            0 => Act::NeverAnswer,
            1 => Act::Delay(draw_time(random)),
            2 => Act::Interim(draw_interim(random)),
            3 => Act::WhiteSpace {
                place: *random.pick(&[Space::First, Space::BehindDeclaration]),
                every: draw_time(random),
                times: random.below(20),
            },
            4 => Act::Framed(match random.below(3) {
                0 => Framing::Length,
                1 => Framing::Chunked(1 + random.below(50)),
                _ => Framing::ToEnd,
            }),
            5 => Act::Pieces(1 + random.below(9)),
            6 => Act::Drip { bytes: 1 + random.below(99), every: draw_time(random) },
            7 => Act::Malformed(*random.pick(&[
                Malformed::TwoLengths,
                Malformed::LengthBesideCoding,
                Malformed::BadChunk,
                Malformed::BadStatusLine,
                Malformed::BadField,
                Malformed::LongHead(100_000),
            ])),
            8 => Act::EndInAnswer { after: random.below(300), end },
            9 => Act::BytesBehind(b"HTTP/1.1 408 x\r\n\r\n".to_vec()),
            10 => Act::Close(end),
            _ => Act::EndIdle { after: draw_time(random), end },
        }
    }
}

fn draw_end(random: &mut Random) -> End {
    *random.pick(&[End::Fin, End::Reset])
}

fn draw_then(random: &mut Random) -> Then {
    let end = draw_end(random);
    *random.pick(&[Then::ReadOn, Then::End(end), Then::StopReading])
}

/// Many are short, and some are long.
fn draw_time(random: &mut Random) -> Duration {
    let most = *random.pick(&[1, 100, 5_000, 60_000]);
    Duration::from_millis(random.below(most) as u64)
}

fn draw_interim(random: &mut Random) -> Vec<u16> {
    (0..1 + random.below(3)).map(|_| *random.pick(&[102, 103])).collect()
}

fn draw_error(random: &mut Random) -> Answer {
    let codes =
        ["ExpiredToken", "SlowDown", "InternalError", "RequestTimeout", "EntityTooLarge", "Odd"];
    let answer = Answer::error(random.pick::<&str>(&codes));
    if random.chance(30) { answer.with("Retry-After", "3") } else { answer }
}
