//! The other side of a client that encrypts with RSA: takes a block apart with a private key of the tests' own, as
//! RFC 8017 says (RSAES-OAEP with SHA-1, section 7.1.2). It resists no attack and is for tests only.

const LIMBS: usize = 16;
const BYTES: usize = LIMBS * 8;
const HASH_BYTES: usize = 20;

/// The public half of the key, as servers send it.
pub const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDH9TezIeT6xfSJUApBkwWKdMDa
eGfLmaHgpawuPknsT5Tkp7V9L+EdYN7/u7V9W/65YheGHWDV1U9SYLGzCOCqOxvO
oKvAFzkFdZRKbHOZOPrtM7sx3MbUZyEP7kUYKOwsZMzfVMomx3v6ibe8QJqzgjDY
gv+qxdKaH2K0um5yJQIDAQAB
-----END PUBLIC KEY-----
";

const MODULUS: &str = "c7f537b321e4fac5f489500a4193058a74c0da7867cb99a1e0a5ac2e3e49ec4f\
                       94e4a7b57d2fe11d60deffbbb57d5bfeb96217861d60d5d54f5260b1b308e0aa\
                       3b1bcea0abc017390575944a6c739938faed33bb31dcc6d467210fee451828ec\
                       2c64ccdf54ca26c77bfa89b7bc409ab38230d882ffaac5d29a1f62b4ba6e7225";

const PRIVATE_EXPONENT: &str = "a08b4f34613362f14b5c704a3bca1a79c7320c76fe07678ba43e009784657ff9\
                                897768fbfbce54756d10becd6c7381486c79c89f62b91c16cf4039e892f1bec7\
                                21fa5a3395bc55110a20bba89338a62adcdedba1f972fcfbb77998c8ab187463\
                                39232654251c3da70cfc1077b035d6cec225f8e7d14dc694ead391c28350a105";

/// A number below the modulus, the least significant limb first.
type Number = [u64; LIMBS];

/// The message in an encrypted block; `None` if it is not one of this key.
pub fn decrypt(block: &[u8]) -> Option<Vec<u8>> {
    let block: &[u8; BYTES] = block.try_into().ok()?;
    let (modulus, exponent) = (from_hex(MODULUS), from_hex(PRIVATE_EXPONENT));
    let cipher = from_bytes(block);
    let mut power = [0; LIMBS];
    power[0] = 1;
    for bit in (0..LIMBS * 64).rev() {
        power = times(&power, &power, &modulus);
        if has_bit(&exponent, bit) {
            power = times(&power, &cipher, &modulus);
        }
    }
    let encoded: Vec<u8> = power.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    without_padding(&encoded)
}

fn without_padding(encoded: &[u8]) -> Option<Vec<u8>> {
    let (masked_seed, masked_data) = encoded.strip_prefix(&[0])?.split_at(HASH_BYTES);
    let seed = xor(masked_seed, &mask(masked_data, HASH_BYTES));
    let data = xor(masked_data, &mask(&seed, masked_data.len()));
    let padded = data.strip_prefix(&sha1(b""))?;
    let begin = padded.iter().position(|byte| *byte != 0)?;
    padded[begin..].strip_prefix(&[1]).map(<[u8]>::to_vec)
}

/// MGF1 with SHA-1 (appendix B.2.1).
fn mask(seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|counter| sha1(&[seed, &counter.to_be_bytes()].concat()));
    blocks.take(length).collect()
}

pub fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right.iter().cycle()).map(|(left, right)| left ^ right).collect()
}

/// By doubling and adding, modulo the modulus.
fn times(left: &Number, right: &Number, modulus: &Number) -> Number {
    let mut product = [0; LIMBS];
    for bit in (0..LIMBS * 64).rev() {
        product = plus(&product, &product, modulus);
        if has_bit(left, bit) {
            product = plus(&product, right, modulus);
        }
    }
    product
}

fn plus(left: &Number, right: &Number, modulus: &Number) -> Number {
    let mut sum = [0; LIMBS];
    let mut carry = false;
    for (limb, (left, right)) in sum.iter_mut().zip(left.iter().zip(right)) {
        let (partial, first) = left.overflowing_add(*right);
        let (total, second) = partial.overflowing_add(u64::from(carry));
        (*limb, carry) = (total, first || second);
    }
    if carry || sum.iter().rev().ge(modulus.iter().rev()) { minus(&sum, modulus) } else { sum }
}

fn minus(left: &Number, right: &Number) -> Number {
    let mut difference = [0; LIMBS];
    let mut borrow = false;
    for (limb, (left, right)) in difference.iter_mut().zip(left.iter().zip(right)) {
        let (partial, first) = left.overflowing_sub(*right);
        let (total, second) = partial.overflowing_sub(u64::from(borrow));
        (*limb, borrow) = (total, first || second);
    }
    difference
}

fn has_bit(number: &Number, bit: usize) -> bool {
    number[bit / 64] >> (bit % 64) & 1 == 1
}

fn from_hex(text: &str) -> Number {
    let mut number = [0; LIMBS];
    for (limb, digits) in number.iter_mut().rev().zip(text.as_bytes().chunks(16)) {
        *limb = u64::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    number
}

fn from_bytes(bytes: &[u8; BYTES]) -> Number {
    let mut number = [0; LIMBS];
    for (limb, chunk) in number.iter_mut().rev().zip(bytes.chunks(8)) {
        *limb = u64::from_be_bytes(chunk.try_into().unwrap());
    }
    number
}

/// FIPS 180-4, section 6.1.
fn sha1(message: &[u8]) -> [u8; HASH_BYTES] {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        for index in 16..80 {
            let mixed = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16];
            words.push(mixed.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (index, word) in words.iter().enumerate() {
            let (function, constant) = match index / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = [function, e, constant, *word]
                .iter()
                .fold(a.rotate_left(5), |sum, add| sum.wrapping_add(*add));
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (sum, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(add);
        }
    }
    let mut digest = [0; HASH_BYTES];
    for (bytes, word) in digest.chunks_mut(4).zip(state) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    digest
}
