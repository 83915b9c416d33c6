package io.fulmar.tunnel.internal.ssh;

import java.security.GeneralSecurityException;
import java.security.Key;
import java.util.Arrays;
import java.util.List;
import javax.crypto.ShortBufferException;
import javax.crypto.spec.SecretKeySpec;
import net.schmizz.sshj.common.Factory;
import net.schmizz.sshj.common.SSHRuntimeException;
import net.schmizz.sshj.transport.mac.MAC;

/**
 * HMAC with SHA-2 (RFC 6668) as the JDK has it, with the processor's instructions. What sshj takes
 * by itself is Bouncy Castle's, which has none (decision 0023).
 */
final class JdkMacs {
  private JdkMacs() {}

  /** Those over what is encrypted first, as OpenSSH has them. */
  static List<Factory.Named<MAC>> all() {
    return List.of(
        named("hmac-sha2-256-etm@openssh.com", "HmacSHA256", 32, true),
        named("hmac-sha2-512-etm@openssh.com", "HmacSHA512", 64, true),
        named("hmac-sha2-256", "HmacSHA256", 32, false),
        named("hmac-sha2-512", "HmacSHA512", 64, false));
  }

  private static Factory.Named<MAC> named(
      String name, String algorithm, int bytes, boolean encrypted) {
    return new Factory.Named<>() {
      @Override
      public String getName() {
        return name;
      }

      @Override
      public MAC create() {
        return new Hmac(algorithm, bytes, encrypted);
      }
    };
  }

  private static final class Hmac implements MAC {
    private final String algorithm;
    private final int bytes;
    private final boolean encrypted;
    private final javax.crypto.Mac mac;

    Hmac(String algorithm, int bytes, boolean encrypted) {
      this.algorithm = algorithm;
      this.bytes = bytes;
      this.encrypted = encrypted;
      try {
        mac = javax.crypto.Mac.getInstance(algorithm);
      } catch (GeneralSecurityException e) {
        throw new SSHRuntimeException(e);
      }
    }

    @Override
    public void init(byte[] key) {
      Key own = new SecretKeySpec(Arrays.copyOf(key, bytes), algorithm);
      try {
        mac.init(own);
      } catch (GeneralSecurityException e) {
        throw new SSHRuntimeException(e);
      }
    }

    @Override
    public int getBlockSize() {
      return bytes;
    }

    @Override
    public boolean isEtm() {
      return encrypted;
    }

    @Override
    public void update(byte[] of) {
      mac.update(of);
    }

    @Override
    public void update(byte[] of, int from, int length) {
      mac.update(of, from, length);
    }

    @Override
    public void update(long number) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        mac.update((byte) (number >>> shift));
      }
    }

    @Override
    public byte[] doFinal() {
      return mac.doFinal();
    }

    @Override
    public byte[] doFinal(byte[] last) {
      return mac.doFinal(last);
    }

    @Override
    public void doFinal(byte[] to, int from) {
      try {
        mac.doFinal(to, from);
      } catch (ShortBufferException e) {
        throw new SSHRuntimeException(e);
      }
    }
  }
}
