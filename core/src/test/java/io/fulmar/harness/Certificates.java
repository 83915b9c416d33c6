package io.fulmar.harness;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.OutputStream;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Date;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/**
 * A certificate with its key, made for a test: of an authority, of a server or of a client.
 *
 * @param certificate the certificate
 * @param key its private key
 */
public record Certificates(X509Certificate certificate, PrivateKey key) {
  private static final Duration DAY = Duration.ofDays(1);
  private static final AtomicLong SERIAL = new AtomicLong(1);

  /** An authority, which signs others. */
  public static Certificates authority(String name) {
    return made(name, null, DAY.negated(), DAY, "EC", true);
  }

  /** Signed by this authority, for a day, with an EC key: one of RSA takes seconds to make. */
  public Certificates sign(String name, String... hosts) {
    return made(name, this, DAY.negated(), DAY, "EC", false, hosts);
  }

  /** Signed by this authority, for a day, with a key of another type. */
  public Certificates signKeyOf(String type, String name, String... hosts) {
    return made(name, this, DAY.negated(), DAY, type, false, hosts);
  }

  /** Signed by this authority, from one moment to another, as seen from now. */
  public Certificates signFor(Duration from, Duration to, String name, String... hosts) {
    return made(name, this, from, to, "EC", false, hosts);
  }

  /** Signed by itself. */
  public static Certificates selfSigned(String name, String... hosts) {
    return made(name, null, DAY.negated(), DAY, "EC", false, hosts);
  }

  private static Certificates made(
      String name,
      @Nullable Certificates issuer,
      Duration from,
      Duration to,
      String keyType,
      boolean authority,
      String... hosts) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(keyType);
      if (!keyType.equals("Ed25519")) {
        generator.initialize(keyType.equals("EC") ? 256 : 2048);
      }
      KeyPair pair = generator.generateKeyPair();
      X500Name subject = new X500Name("CN=" + name);
      X500Name by =
          issuer == null
              ? subject
              : new X500Name(issuer.certificate().getSubjectX500Principal().getName());
      Instant now = Instant.now();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              by,
              BigInteger.valueOf(SERIAL.getAndIncrement()),
              Date.from(now.plus(from)),
              Date.from(now.plus(to)),
              subject,
              pair.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
      if (hosts.length > 0) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(
                Arrays.stream(hosts).map(Certificates::name).toArray(GeneralName[]::new)));
      }
      PrivateKey signing = issuer == null ? pair.getPrivate() : issuer.key();
      String algorithm = signing.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
      return new Certificates(
          new JcaX509CertificateConverter()
              .getCertificate(builder.build(new JcaContentSignerBuilder(algorithm).build(signing))),
          pair.getPrivate());
    } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static GeneralName name(String host) {
    boolean address = host.matches("[0-9.]+|.*:.*");
    return new GeneralName(address ? GeneralName.iPAddress : GeneralName.dNSName, host);
  }

  /** Writes the certificate as PEM. */
  public Path certificateTo(Path file) throws IOException, GeneralSecurityException {
    return Files.writeString(file, pem("CERTIFICATE", certificate.getEncoded()), US_ASCII);
  }

  /** Writes the key as PEM, not encrypted, for its owner alone. */
  public Path keyTo(Path file) throws IOException {
    Files.writeString(file, pem("PRIVATE KEY", key.getEncoded()), US_ASCII);
    Files.setPosixFilePermissions(
        file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"));
    return file;
  }

  /** Writes both as PKCS#12. */
  public Path keyStoreTo(Path file, String password) throws IOException, GeneralSecurityException {
    KeyStore store = keyStore(password);
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, password.toCharArray());
    }
    return file;
  }

  private KeyStore keyStore(String password) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "it", key, password.toCharArray(), new java.security.cert.Certificate[] {certificate});
    return store;
  }

  /** What a server shows it with. */
  public SSLContext context() {
    try {
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(keyStore("x"), "x".toCharArray());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** RFC 7468. */
  public static String pem(String type, byte[] der) {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return "-----BEGIN " + type + "-----\n" + lines + "\n-----END " + type + "-----\n";
  }
}
