package io.fulmar.tunnel.internal.keys;

import com.hierynomus.sshj.userauth.keyprovider.bcrypt.BCrypt;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import net.schmizz.sshj.common.Buffer;
import org.jspecify.annotations.Nullable;

/** The format that {@code ssh-keygen} writes private keys in (PROTOCOL.key of OpenSSH). */
final class OpenSshKeyFormat {
  /** What such a key begins with. */
  static final byte[] MAGIC = "openssh-key-v1\0".getBytes(StandardCharsets.US_ASCII);

  private static final int ROUNDS = 24;
  private static final int SALT_BYTES = 16;
  private static final int KEY_BYTES = 32;
  private static final int IV_BYTES = 16;

  private OpenSshKeyFormat() {}

  /**
   * Writes an Ed25519 key.
   *
   * @param seed the private key, 32 bytes
   * @param publicKey the public key, 32 bytes
   * @param comment what the key is called
   * @param passphrase what to encrypt it with, as ssh-keygen does: AES-256-CTR, bcrypt
   */
  static String ed25519(
      byte[] seed, byte[] publicKey, String comment, char @Nullable [] passphrase) {
    SecureRandom random = new SecureRandom();
    int block = passphrase == null ? 8 : 16;
    int check = random.nextInt();
    Buffer.PlainBuffer secret = new Buffer.PlainBuffer();
    secret.putUInt32(Integer.toUnsignedLong(check)).putUInt32(Integer.toUnsignedLong(check));
    secret.putString("ssh-ed25519").putBytes(publicKey);
    byte[] both = Arrays.copyOf(seed, seed.length + publicKey.length);
    System.arraycopy(publicKey, 0, both, seed.length, publicKey.length);
    secret.putBytes(both).putString(comment);
    for (byte pad = 1; secret.available() % block != 0; pad++) {
      secret.putByte(pad);
    }
    byte[] secretBytes = secret.getCompactData();

    Buffer.PlainBuffer file = new Buffer.PlainBuffer();
    file.putRawBytes(MAGIC);
    if (passphrase == null) {
      file.putString("none").putString("none").putString("");
    } else {
      byte[] salt = new byte[SALT_BYTES];
      random.nextBytes(salt);
      secretBytes = encrypted(secretBytes, passphrase, salt);
      byte[] options = new Buffer.PlainBuffer().putBytes(salt).putUInt32(ROUNDS).getCompactData();
      file.putString("aes256-ctr").putString("bcrypt").putBytes(options);
    }
    file.putUInt32(1);
    file.putBytes(wire(publicKey));
    file.putBytes(secretBytes);
    String body =
        Base64.getMimeEncoder(70, new byte[] {'\n'}).encodeToString(file.getCompactData());
    return "-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n"
        .formatted(body);
  }

  /** An Ed25519 public key as it goes over the wire. */
  static byte[] wire(byte[] publicKey) {
    return new Buffer.PlainBuffer().putString("ssh-ed25519").putBytes(publicKey).getCompactData();
  }

  private static byte[] encrypted(byte[] secret, char[] passphrase, byte[] salt) {
    ByteBuffer encoded = StandardCharsets.UTF_8.encode(CharBuffer.wrap(passphrase));
    byte[] phrase = Arrays.copyOf(encoded.array(), encoded.limit());
    Arrays.fill(encoded.array(), (byte) 0);
    byte[] derived = new byte[KEY_BYTES + IV_BYTES];
    new BCrypt().pbkdf(phrase, salt, ROUNDS, derived);
    Arrays.fill(phrase, (byte) 0);
    try {
      Cipher cipher = Cipher.getInstance("AES/CTR/NoPadding");
      cipher.init(
          Cipher.ENCRYPT_MODE,
          new SecretKeySpec(derived, 0, KEY_BYTES, "AES"),
          new IvParameterSpec(derived, KEY_BYTES, IV_BYTES));
      return cipher.doFinal(secret);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has AES", e);
    }
  }
}
