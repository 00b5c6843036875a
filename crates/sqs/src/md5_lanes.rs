//! MD5 of several messages at once.
//!
//! Each step of MD5 waits for the one before it, so one message leaves most of a processor idle. Here four messages go
//! through the steps side by side, one in each lane: the loop over the lanes in [`compress`] has no branch, and the
//! compiler makes vector instructions of it, of those that every processor of its kind has. A lane whose message has ended
//! takes the next one.
//!
//! It is for the bodies of a batch; one message alone goes faster through `md-5`, which the tests compare this with.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc1321>.

/// Messages that are digested side by side. More would not fit into the registers.
const LANES: usize = 4;

const BLOCK_BYTES: usize = 64;
/// The length in bits ends the last block.
const LENGTH_BYTES: usize = 8;

type Block = [u8; BLOCK_BYTES];
/// One number of each lane.
type Words = [u32; LANES];

const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// How far each step of a round turns its sum to the left; the four repeat.
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// `4294967296 * abs(sin(i + 1))`, of which each step adds one.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// The digests of the messages, in their order.
pub(crate) fn digests(messages: &[&[u8]]) -> Vec<[u8; 16]> {
    let mut digests = vec![[0; 16]; messages.len()];
    let mut waiting = messages.iter().enumerate();
    let mut next = || waiting.next().map(|(index, message)| Lane::begin(index, message));
    let mut lanes: [Option<Lane<'_>>; LANES] = std::array::from_fn(|_| next());
    let mut states = INITIAL.map(|word| [word; LANES]);
    while lanes.iter().any(Option::is_some) {
        let idle = [0; BLOCK_BYTES];
        compress(&mut states, lanes.each_ref().map(|lane| lane.as_ref().map_or(&idle, Lane::block)));
        for (number, lane) in lanes.iter_mut().enumerate() {
            let Some(under_way) = lane else { continue };
            under_way.block += 1;
            if under_way.has_ended() {
                for (part, words) in digests[under_way.index].as_chunks_mut::<4>().0.iter_mut().zip(&states) {
                    *part = words[number].to_le_bytes();
                }
                *lane = next();
                states.iter_mut().zip(INITIAL).for_each(|(words, initial)| words[number] = initial);
            }
        }
    }
    digests
}

/// A message on its way.
struct Lane<'a> {
    /// Its place among the messages.
    index: usize,
    whole: &'a [Block],
    /// What is left of it, a one bit, zeros and its length, in one or two blocks.
    ending: [Block; 2],
    ending_blocks: usize,
    /// The number of the block that is next.
    block: usize,
}

impl<'a> Lane<'a> {
    fn begin(index: usize, message: &'a [u8]) -> Self {
        let (whole, rest) = message.as_chunks::<BLOCK_BYTES>();
        let ending_blocks = if rest.len() + 1 + LENGTH_BYTES <= BLOCK_BYTES { 1 } else { 2 };
        let mut ending = [[0; BLOCK_BYTES]; 2];
        let bytes = ending.as_flattened_mut();
        bytes[..rest.len()].copy_from_slice(rest);
        bytes[rest.len()] = 0x80;
        let bits = (message.len() as u64).wrapping_mul(8);
        let end = ending_blocks * BLOCK_BYTES;
        bytes[end - LENGTH_BYTES..end].copy_from_slice(&bits.to_le_bytes());
        Self { index, whole, ending, ending_blocks, block: 0 }
    }

    fn block(&self) -> &Block {
        self.whole.get(self.block).unwrap_or_else(|| &self.ending[self.block - self.whole.len()])
    }

    fn has_ended(&self) -> bool {
        self.block == self.whole.len() + self.ending_blocks
    }
}

/// Takes one block of each lane into its state.
#[inline(never)]
fn compress(states: &mut [Words; 4], blocks: [&Block; LANES]) {
    let mut words = [[0; LANES]; BLOCK_BYTES / 4];
    for (lane, block) in blocks.iter().enumerate() {
        for (words, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
            words[lane] = u32::from_le_bytes(*bytes);
        }
    }
    for lane in 0..LANES {
        let word = |number: usize| words[number][lane];
        let before = [states[0][lane], states[1][lane], states[2][lane], states[3][lane]];
        let state = round(0, before, |x, y, z| z ^ (x & (y ^ z)), word);
        let state = round(1, state, |x, y, z| y ^ (z & (x ^ y)), |step| word((5 * step + 1) % 16));
        let state = round(2, state, |x, y, z| x ^ y ^ z, |step| word((3 * step + 5) % 16));
        let state = round(3, state, |x, y, z| y ^ (x | !z), |step| word(7 * step % 16));
        for (part, (before, after)) in before.into_iter().zip(state).enumerate() {
            states[part][lane] = before.wrapping_add(after);
        }
    }
}

/// Sixteen steps of one lane: `mix` is the round's function, `word` the word of the block that a step takes.
#[inline(always)]
#[allow(clippy::inline_always)] // Called, it would keep the lanes from becoming vectors.
fn round(
    number: usize,
    [mut a, mut b, mut c, mut d]: [u32; 4],
    mix: impl Fn(u32, u32, u32) -> u32,
    word: impl Fn(usize) -> u32,
) -> [u32; 4] {
    for step in 0..16 {
        let sum =
            a.wrapping_add(mix(b, c, d)).wrapping_add(word(step)).wrapping_add(SINES[16 * number + step]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(TURNS[number][step % 4])));
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests;
