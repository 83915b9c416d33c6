package io.fulmar.tunnel.internal.server;

import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Set;

/**
 * A public key as in an {@code .pub} file of OpenSSH, without the comment: of a kind that is let
 * in.
 *
 * @param type what it begins with, {@code ssh-ed25519} say
 * @param base64 the key as SSH encodes it (RFC 4253, section 6.6)
 */
public record PublicKeyLine(String type, String base64) {
  private static final String RSA = "ssh-rsa";
  private static final Set<String> OTHERS =
      Set.of("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521");
  private static final int LEAST_RSA_BITS = 2_048;
  private static final int MOST_RSA_BITS = 16_384;

  /**
   * Reads a line.
   *
   * @throws IllegalArgumentException if it is none, or the key is of a kind that is not let in
   */
  public static PublicKeyLine parse(String line) {
    String[] words = line.strip().split("\\s+", 3);
    if (words.length < 2 || line.strip().lines().count() != 1) {
      throw refusal("is not a line of the form \"ssh-ed25519 AAAA... comment\"");
    }
    String type = words[0];
    if (!type.equals(RSA) && !OTHERS.contains(type)) {
      throw refusal(
          "begins with \"%s\", which is not ssh-ed25519, ecdsa-sha2-nistp256, -384, -521 or ssh-rsa"
                  .formatted(shortened(type))
              + "; options as in authorized_keys have no place here");
    }
    try {
      ByteBuffer key = ByteBuffer.wrap(Base64.getDecoder().decode(words[1]));
      if (!new String(next(key), StandardCharsets.US_ASCII).equals(type)) {
        throw refusal("names one kind of key and holds another");
      }
      if (type.equals(RSA)) {
        next(key);
        int bits = new BigInteger(next(key)).bitLength();
        if (bits < LEAST_RSA_BITS || bits > MOST_RSA_BITS) {
          throw refusal(
              "is an RSA key of %s bits; %s to %s are let in"
                  .formatted(bits, LEAST_RSA_BITS, MOST_RSA_BITS));
        }
      }
    } catch (BufferUnderflowException | NumberFormatException e) {
      throw refusal("is cut off");
    } catch (IllegalArgumentException e) {
      throw e.getMessage() != null && e.getMessage().startsWith("publicKey ")
          ? e
          : refusal("is cut off or damaged");
    }
    return new PublicKeyLine(type, words[1]);
  }

  private static byte[] next(ByteBuffer key) {
    int length = key.getInt();
    if (length < 0 || length > key.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    key.get(bytes);
    return bytes;
  }

  private static IllegalArgumentException refusal(String why) {
    return new IllegalArgumentException("publicKey " + why + ".");
  }

  /** What is printable of the beginning of a text. */
  private static String shortened(String text) {
    return text.substring(0, Math.min(30, text.length())).replaceAll("[^\\x20-\\x7e]", "?");
  }

  /** {@code SHA256:} and 43 characters, as {@code ssh-keygen -l} shows it. */
  public String fingerprint() {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(Base64.getDecoder().decode(base64));
      return "SHA256:" + Base64.getEncoder().withoutPadding().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The line. */
  @Override
  public String toString() {
    return type + " " + base64;
  }
}
