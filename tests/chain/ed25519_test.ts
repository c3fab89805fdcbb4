import assert from "node:assert/strict";
import { ed25519 } from "@noble/curves/ed25519.js";
import { isSignature, isTorsionFree } from "../../chain/ed25519.ts";
import { signerOf } from "./world.ts";

const hex = (text: string) => Uint8Array.fromHex(text);

/** RFC 8032, section 7.1: key, message, signature. */
const RFC_8032: readonly (readonly [string, string, string])[] = [
  [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
];

const [SMALL_A, MIXED_A, ORDER_8_A, OTHER_A, CANONICAL_TWIN] = [
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
  "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
  "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/** The twelve cases of ed25519-speccheck ("Taming the many EdDSAs"): what, key, message, signature, accepted here. */
const SPECCHECK:
  readonly (readonly [string, string, string, string, boolean])[] = [
    [
      "small A and R, S = 0",
      SMALL_A,
      "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
      false,
    ],
    [
      "small A, mixed R",
      SMALL_A,
      "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
      "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
      false,
    ],
    [
      "mixed A, small R",
      MIXED_A,
      "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
      false,
    ],
    [
      "mixed A and R, whose torsion cancels out: only the check of the key refuses it",
      ORDER_8_A,
      "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
      "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
      true,
    ],
    [
      "right only with the cofactor",
      ORDER_8_A,
      "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
      "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
      false,
    ],
    [
      "right only with the cofactor before reduction",
      ORDER_8_A,
      "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
      "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
      false,
    ],
    [
      "S above L",
      OTHER_A,
      "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
      "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
      false,
    ],
    [
      "S far above L",
      OTHER_A,
      "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
      "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
      false,
    ],
    [
      "R not canonical",
      MIXED_A,
      "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
      false,
    ],
    [
      "R not canonical, hashed as canonical",
      MIXED_A,
      "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
      false,
    ],
    [
      "A not canonical",
      CANONICAL_TWIN,
      "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
      "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
      false,
    ],
    [
      "A not canonical, hashed as canonical",
      CANONICAL_TWIN,
      "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
      "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dca5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
      false,
    ],
  ];

Deno.test("ed25519.isSignature accepts the vectors of RFC 8032, and none with a bit flipped", () => {
  for (const [key, message, signature] of RFC_8032) {
    const signed = {
      key: hex(key),
      message: hex(message),
      signature: hex(signature),
    };
    assert.ok(isSignature(signed));
    assert.ok(isTorsionFree(signed.key));
    for (let bit = 0; bit < 512; bit++) {
      const flipped = signed.signature.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.ok(!isSignature({ ...signed, signature: flipped }));
    }
  }
});

for (const [what, key, message, signature, accepted] of SPECCHECK) {
  Deno.test(`ed25519: ${what}`, () => {
    assert.equal(
      isSignature({
        key: hex(key),
        message: hex(message),
        signature: hex(signature),
      }),
      accepted,
    );
    if (accepted) assert.ok(!isTorsionFree(hex(key)));
  });
}

Deno.test("ed25519 knows every encoding of the eight points of small order", () => {
  const { Point } = ed25519;
  const order8 = Point.fromHex(
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  );
  let point = Point.ZERO;
  for (let times = 0; times < 8; times++) {
    for (const sign of [0, 0x80]) {
      const bytes = point.toBytes();
      bytes[31]! = (bytes[31]! & 0x7f) | sign;
      assert.ok(!isTorsionFree(bytes));
      const signature = new Uint8Array(64);
      signature.set(bytes);
      assert.ok(
        !isSignature({
          key: signerOf("x").publicKey,
          message: bytes,
          signature,
        }),
      );
    }
    point = point.add(order8);
  }
});

Deno.test("ed25519 refuses wrong lengths and keys that are no point, and never throws", () => {
  const signer = signerOf("x");
  const message = new Uint8Array(3);
  const signature = signer.sign(message);
  assert.ok(isSignature({ key: signer.publicKey, message, signature }));
  assert.ok(
    !isSignature({ key: signer.publicKey.slice(1), message, signature }),
  );
  assert.ok(
    !isSignature({
      key: signer.publicKey,
      message,
      signature: signature.slice(1),
    }),
  );
  assert.ok(
    !isSignature({ key: new Uint8Array(32).fill(2), message, signature }),
  );
  assert.ok(!isTorsionFree(new Uint8Array(32).fill(2)));
});
