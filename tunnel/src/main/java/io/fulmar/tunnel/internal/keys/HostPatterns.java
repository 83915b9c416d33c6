package io.fulmar.tunnel.internal.keys;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Which hosts a line of a known_hosts file is about: patterns with {@code *}, {@code ?} and {@code
 * !}, or one hashed name. As sshd(8) describes it.
 */
sealed interface HostPatterns {
  /** Whether the line is about a host, given by its {@link #name}. */
  boolean matches(String name);

  /** How a known_hosts file names a host: in lower case, the port with it unless it is 22. */
  static String name(String host, int port) {
    String lower = host.toLowerCase(Locale.ROOT);
    return port == 22 ? lower : "[%s]:%d".formatted(lower, port);
  }

  /**
   * Reads the first field of a line.
   *
   * @throws IllegalArgumentException with a fact about the line if it is malformed
   */
  static HostPatterns parse(String field) {
    if (!field.startsWith("|")) {
      return new Plain(List.of(field.toLowerCase(Locale.ROOT).split(",")));
    }
    String[] parts = field.split("\\|", -1);
    if (parts.length != 4 || !parts[1].equals("1")) {
      throw new IllegalArgumentException("its hashed host is not of the form |1|salt|hash");
    }
    try {
      byte[] salt = Base64.getDecoder().decode(parts[2]);
      byte[] hash = Base64.getDecoder().decode(parts[3]);
      if (salt.length == 20 && hash.length == 20) {
        return new Hashed(salt, hash);
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("its hashed host is not base64", e);
    }
    throw new IllegalArgumentException("salt and hash of its hashed host are not 20 bytes long");
  }

  /**
   * Whether a text matches a pattern in which {@code *} is any text and {@code ?} one character.
   */
  static boolean glob(String pattern, String text) {
    int p = 0;
    int t = 0;
    int star = -1;
    int from = 0;
    while (t < text.length()) {
      if (p < pattern.length() && pattern.charAt(p) == '*') {
        star = p++;
        from = t;
      } else if (p < pattern.length()
          && (pattern.charAt(p) == '?' || pattern.charAt(p) == text.charAt(t))) {
        p++;
        t++;
      } else if (star >= 0) {
        p = star + 1;
        t = ++from;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == '*') {
      p++;
    }
    return p == pattern.length();
  }

  /** Names and patterns; one that is negated takes the host out, whatever the others say. */
  record Plain(List<String> patterns) implements HostPatterns {
    @Override
    public boolean matches(String name) {
      boolean found = false;
      for (String pattern : patterns) {
        boolean negated = pattern.startsWith("!");
        if (glob(negated ? pattern.substring(1) : pattern, name)) {
          if (negated) {
            return false;
          }
          found = true;
        }
      }
      return found;
    }
  }

  /** The HMAC-SHA1 of one name. */
  final class Hashed implements HostPatterns {
    private final byte[] salt;
    private final byte[] hash;

    private Hashed(byte[] salt, byte[] hash) {
      this.salt = salt;
      this.hash = hash;
    }

    @Override
    public boolean matches(String name) {
      try {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(new SecretKeySpec(salt, "HmacSHA1"));
        return MessageDigest.isEqual(hash, mac.doFinal(name.getBytes(StandardCharsets.UTF_8)));
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("every JVM has HmacSHA1", e);
      }
    }
  }
}
