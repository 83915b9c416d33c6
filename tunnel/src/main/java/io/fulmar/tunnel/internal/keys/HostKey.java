package io.fulmar.tunnel.internal.keys;

import com.hierynomus.sshj.userauth.certificate.Certificate;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.interfaces.RSAKey;
import java.util.Arrays;
import java.util.Base64;
import java.util.Set;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.SSHRuntimeException;

/** A public key as it goes over the wire of SSH, of a type that may be a host key here. */
final class HostKey {
  /** Smaller RSA moduli can be factored with means that some have. */
  static final int MIN_RSA_BITS = 2048;

  /** What a host key may be; DSA is not among them, and what OpenSSH may add later neither. */
  static final Set<String> TYPES =
      Set.of(
          "ssh-ed25519",
          "ecdsa-sha2-nistp256",
          "ecdsa-sha2-nistp384",
          "ecdsa-sha2-nistp521",
          "ssh-rsa");

  private final String type;
  private final byte[] wire;
  private final PublicKey key;

  private HostKey(String type, byte[] wire, PublicKey key) {
    this.type = type;
    this.wire = wire;
    this.key = key;
  }

  /** The key that a server has shown; of a certificate, the key that is certified. */
  static HostKey of(PublicKey shown) {
    PublicKey key = shown instanceof Certificate<?> certificate ? certificate.getKey() : shown;
    byte[] wire = new Buffer.PlainBuffer().putPublicKey(key).getCompactData();
    try {
      return new HostKey(new Buffer.PlainBuffer(wire).readString(), wire, key);
    } catch (Buffer.BufferException e) {
      throw new IllegalStateException("a key without its type", e);
    }
  }

  /**
   * Reads what stands in a known_hosts file.
   *
   * @throws IllegalArgumentException with a fact about the line if it is no key of that type
   */
  static HostKey parse(String type, String base64) {
    byte[] wire;
    try {
      wire = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("its key is not base64", e);
    }
    try {
      String inside = new Buffer.PlainBuffer(wire).readString();
      if (!inside.equals(type)) {
        throw new IllegalArgumentException("its key is not of the type that it names");
      }
      Buffer.PlainBuffer buffer = new Buffer.PlainBuffer(wire);
      PublicKey key = buffer.readPublicKey();
      if (buffer.available() != 0) {
        throw new IllegalArgumentException("its key is too long");
      }
      return new HostKey(type, wire, key);
    } catch (Buffer.BufferException | SSHRuntimeException | ClassCastException e) {
      throw new IllegalArgumentException("its key is cut off or damaged", e);
    }
  }

  /** What stands before the key in a known_hosts file. */
  String type() {
    return type;
  }

  /** The key itself. */
  PublicKey key() {
    return key;
  }

  /** As {@code ssh-keygen -l} shows it. */
  String fingerprint() {
    return fingerprint(wire);
  }

  /** The digest of a public key in its wire form, as {@code ssh-keygen -l} shows it. */
  static String fingerprint(byte[] wire) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(wire);
      return "SHA256:" + Base64.getEncoder().withoutPadding().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  /** Type and key, as in a known_hosts file. */
  String line() {
    return type + " " + Base64.getEncoder().encodeToString(wire);
  }

  /** Whether it is RSA and too small. */
  boolean tooSmall() {
    return bits() < MIN_RSA_BITS;
  }

  /** The size of an RSA key; large for the others, which have one good size each. */
  int bits() {
    return key instanceof RSAKey rsa ? rsa.getModulus().bitLength() : Integer.MAX_VALUE;
  }

  /** Whether the two are one and the same key. */
  boolean same(HostKey other) {
    return MessageDigest.isEqual(wire, other.wire);
  }

  /** Whether the wire form of a key is this one. */
  boolean same(byte[] other) {
    return Arrays.equals(wire, other);
  }

  @Override
  public String toString() {
    return type + " " + fingerprint();
  }
}
