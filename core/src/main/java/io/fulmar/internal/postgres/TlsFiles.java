package io.fulmar.internal.postgres;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Certificates and keys as users have them: PEM (RFC 7468), DER and PKCS#12. What cannot be read is
 * said with the name of the file; nothing of its content gets out.
 */
final class TlsFiles {
  private static final Pattern PEM_KEY =
      Pattern.compile(
          "-----BEGIN ((?:ENCRYPTED |RSA |EC |DSA )?PRIVATE KEY)-----([^-]+)-----END \\1-----");
  private static final List<String> KEY_TYPES = List.of("RSA", "EC", "EdDSA");

  /** {@code SEQUENCE}, {@code INTEGER 0}, {@code rsaEncryption}: what PKCS#8 puts before PKCS#1. */
  private static final byte[] RSA_HEAD = {
    2, 1, 0, 0x30, 13, 6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 13, 1, 1, 1, 5, 0
  };

  private TlsFiles() {}

  /** What a file is not that it should be. */
  static final class UnusableException extends Exception {
    private static final long serialVersionUID = 1L;

    UnusableException(String fact) {
      super(fact);
    }
  }

  /** A private key, and the certificate that belongs to it with those that signed it. */
  record Identity(PrivateKey key, X509Certificate[] chain) {
    @Override
    public String toString() {
      return "Identity[***]";
    }
  }

  /** All certificates of a file, PEM or DER. */
  static List<X509Certificate> certificates(Path file) throws UnusableException {
    try {
      List<X509Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(file)))
              .stream()
              .map(X509Certificate.class::cast)
              .toList();
      if (found.isEmpty()) {
        throw new UnusableException(file + " holds no certificate");
      }
      return found;
    } catch (GeneralSecurityException e) {
      throw new UnusableException(file + " holds no certificate that can be read");
    }
  }

  /** Certificate and key from two files; the key as PKCS#8 or PKCS#1, in PEM or DER. */
  static Identity identity(Path certificate, Path key, char @Nullable [] password)
      throws UnusableException {
    return new Identity(
        key(key, password), certificates(certificate).toArray(X509Certificate[]::new));
  }

  /** Certificate and key from a PKCS#12 file. */
  static Identity identity(Path keyStore, char @Nullable [] password) throws UnusableException {
    byte[] bytes = read(keyStore);
    if (new String(bytes, US_ASCII).contains("-----BEGIN ")) {
      throw new UnusableException(keyStore + " is PEM, which holds the key alone here");
    }
    char[] secret = password == null ? new char[0] : password;
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(new ByteArrayInputStream(bytes), secret);
      for (String alias : Collections.list(store.aliases())) {
        if (store.getKey(alias, secret) instanceof PrivateKey key) {
          X509Certificate[] chain =
              List.of(store.getCertificateChain(alias)).toArray(X509Certificate[]::new);
          return new Identity(key, chain);
        }
      }
    } catch (GeneralSecurityException | IOException e) {
      throw new UnusableException(
          keyStore + " cannot be opened: it is no PKCS#12, or the password is another");
    }
    throw new UnusableException(keyStore + " holds no private key");
  }

  private static PrivateKey key(Path file, char @Nullable [] password) throws UnusableException {
    byte[] bytes = read(file);
    Matcher pem = PEM_KEY.matcher(new String(bytes, US_ASCII));
    if (!pem.find()) {
      return plain(file, bytes);
    }
    String type = pem.group(1);
    if (type.startsWith("EC") || type.startsWith("DSA") || pem.group(2).contains("Proc-Type")) {
      throw new UnusableException(
          file
              + " is of an old form; openssl pkcs8 -topk8 -in old.key -out new.key makes a new one");
    }
    byte[] der;
    try {
      der = Base64.getMimeDecoder().decode(pem.group(2));
    } catch (IllegalArgumentException e) {
      throw new UnusableException(file + " is damaged");
    }
    return switch (type) {
      case "ENCRYPTED PRIVATE KEY" -> plain(file, decrypted(file, der, password));
      case "RSA PRIVATE KEY" -> plain(file, pkcs8OfRsa(der));
      default -> plain(file, der);
    };
  }

  private static PrivateKey plain(Path file, byte[] pkcs8) throws UnusableException {
    for (String type : KEY_TYPES) {
      try {
        return KeyFactory.getInstance(type).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (InvalidKeySpecException e) {
        // Of another type, perhaps.
        continue;
      } catch (GeneralSecurityException e) {
        throw new UnusableException("this JVM has no keys of type " + type);
      }
    }
    throw new UnusableException(file + " holds no private key of type RSA, EC or EdDSA");
  }

  private static byte[] decrypted(Path file, byte[] der, char @Nullable [] password)
      throws UnusableException {
    if (password == null) {
      throw new UnusableException(file + " is encrypted, and no tlsKeyPassword is given");
    }
    PBEKeySpec spec = new PBEKeySpec(password);
    try {
      EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(der);
      // PBES2 is a family; its parameters say which one it is.
      String algorithm =
          info.getAlgName().equals("PBES2") || info.getAlgName().startsWith("1.2.840.113549.1.5.13")
              ? info.getAlgParameters().toString()
              : info.getAlgName();
      Cipher cipher = Cipher.getInstance(algorithm);
      cipher.init(
          Cipher.DECRYPT_MODE,
          SecretKeyFactory.getInstance(algorithm).generateSecret(spec),
          info.getAlgParameters());
      return cipher.doFinal(info.getEncryptedData());
    } catch (IOException | GeneralSecurityException e) {
      throw new UnusableException(
          file + " cannot be decrypted: tlsKeyPassword is wrong, or its cipher is not known here");
    } finally {
      spec.clearPassword();
    }
  }

  private static byte[] pkcs8OfRsa(byte[] pkcs1) {
    byte[] inside = element(4, pkcs1);
    byte[] all = new byte[RSA_HEAD.length + inside.length];
    System.arraycopy(RSA_HEAD, 0, all, 0, RSA_HEAD.length);
    System.arraycopy(inside, 0, all, RSA_HEAD.length, inside.length);
    return element(0x30, all);
  }

  /** Tag, length in two bytes, content (ITU-T X.690; a longer length than needed is read too). */
  private static byte[] element(int tag, byte[] content) {
    byte[] element = new byte[content.length + 4];
    element[0] = (byte) tag;
    element[1] = (byte) 0x82;
    element[2] = (byte) (content.length >> 8);
    element[3] = (byte) content.length;
    System.arraycopy(content, 0, element, 4, content.length);
    return element;
  }

  private static byte[] read(Path file) throws UnusableException {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new UnusableException(file + " does not exist");
    } catch (IOException e) {
      throw new UnusableException(file + " cannot be read");
    }
  }
}
