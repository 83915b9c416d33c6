package io.fulmar.verify.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fulmar.Model;
import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.SourceException;
import io.fulmar.StandardEngine;
import io.fulmar.SyncEngine;
import io.fulmar.harness.Certificates;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.internal.postgres.TlsServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.pkcs.PKCS8EncryptedPrivateKeyInfoBuilder;
import org.bouncycastle.pkcs.jcajce.JcePKCSPBEOutputEncryptorBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A real server with TLS: what a log-in needs, in the forms in which users have certificates and
 * keys. The role {@code cert} must show a certificate, {@code scram} a password; each session says
 * for itself whether it is encrypted and who it is.
 */
class TlsTest {
  private static final Certificates AUTHORITY = Certificates.authority("Fulmar Test Authority");
  private static final Certificates CLIENT = AUTHORITY.signKeyOf("RSA", "cert");

  @TempDir static Path files;
  private static TlsServer server;
  private static TestDatabase database;
  private static Path root;

  @BeforeAll
  static void startWithTls() throws Exception {
    root = AUTHORITY.certificateTo(files.resolve("root.pem"));
    Certificates localhost = AUTHORITY.signKeyOf("RSA", "db", "localhost");
    server =
        TlsServer.start(
            localhost.certificateTo(files.resolve("server.pem")),
            localhost.keyTo(files.resolve("server.key")),
            root,
            "hostssl all cert all cert",
            "hostssl all scram all scram-sha-256",
            "hostnossl all scram all scram-sha-256");
    database = server.database();
    database.execute("create role cert login", "create role scram login password 'canary'");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static void show(Certificates shown, String name) throws Exception {
    server.show(
        shown.certificateTo(files.resolve(name + ".pem")),
        shown.keyTo(files.resolve(name + ".key")));
  }

  private static Source.Builder source() {
    return Source.builder()
        .host("localhost")
        .port(database.port())
        .database(database.name())
        .tlsRootCertificate(root)
        .connectTimeout(Duration.ofSeconds(10));
  }

  /** What the session says: TLS, and the name on the client's certificate. */
  private static List<Object> session(Source source) {
    try (SyncEngine engine = StandardEngine.on(source, files.resolve("state"))) {
      Model model =
          Model.query(
                  "session",
                  "select 1 as id, ssl, coalesce(client_dn, '') as dn from pg_stat_ssl"
                      + " where pid = pg_backend_pid()")
              .key("id");
      Map<String, Object> row = engine.preview(model).rows().get(0).asMap();
      return List.of(row.get("ssl"), row.get("dn"));
    }
  }

  private static String refusal(Source source) {
    return catchThrowableOfType(SourceException.class, () -> session(source)).getMessage();
  }

  private record Identity(String form, Source.Builder source) {
    @Override
    public String toString() {
      return form;
    }
  }

  static Stream<Identity> identities() throws Exception {
    Path certificate = CLIENT.certificateTo(files.resolve("client.pem"));
    Path key = CLIENT.keyTo(files.resolve("client.key"));
    Path der = Files.write(files.resolve("client.pk8"), CLIENT.key().getEncoded());
    Path store = CLIENT.keyStoreTo(files.resolve("client.p12"), "of the store");
    byte[] rsa =
        PrivateKeyInfo.getInstance(CLIENT.key().getEncoded())
            .parsePrivateKey()
            .toASN1Primitive()
            .getEncoded();
    Path pkcs1 =
        Files.writeString(files.resolve("client.rsa"), Certificates.pem("RSA PRIVATE KEY", rsa));
    Path encrypted =
        Files.writeString(
            files.resolve("client.enc"),
            Certificates.pem("ENCRYPTED PRIVATE KEY", encrypted(CLIENT.key().getEncoded())));
    Certificates ec = AUTHORITY.signKeyOf("EC", "cert");
    return Stream.of(
        new Identity("PEM", source().tlsClientCertificate(certificate).tlsClientKey(key)),
        new Identity("DER", source().tlsClientCertificate(certificate).tlsClientKey(der)),
        new Identity("PKCS#1", source().tlsClientCertificate(certificate).tlsClientKey(pkcs1)),
        new Identity(
            "encrypted PEM",
            source()
                .tlsClientCertificate(certificate)
                .tlsClientKey(encrypted)
                .tlsKeyPassword(Secret.of("of the key"))),
        new Identity(
            "PKCS#12", source().tlsClientKey(store).tlsKeyPassword(Secret.of("of the store"))),
        new Identity(
            "elliptic curve",
            source()
                .tlsClientCertificate(ec.certificateTo(files.resolve("ec.pem")))
                .tlsClientKey(ec.keyTo(files.resolve("ec.key")))));
  }

  /** PBES2, as openssl writes it. */
  private static byte[] encrypted(byte[] key) throws Exception {
    return new PKCS8EncryptedPrivateKeyInfoBuilder(key)
        .build(
            new JcePKCSPBEOutputEncryptorBuilder(NISTObjectIdentifiers.id_aes256_CBC)
                .setProvider(new BouncyCastleProvider())
                .build("of the key".toCharArray()))
        .getEncoded();
  }

  @ParameterizedTest
  @MethodSource("identities")
  void aClientCertificateLogsIn(Identity identity) {
    assertThat(session(identity.source().user("cert").build())).containsExactly(true, "/CN=cert");
  }

  @Test
  void whoShowsNoCertificateIsToldSo() {
    assertThat(refusal(source().user("cert").build()))
        .contains("connection requires a valid client certificate")
        .endsWith(" sqlstate=28000]");
  }

  @Test
  void aPasswordBoundToTheCertificateLogsIn() {
    Source source =
        source().user("scram").password(Secret.of("canary")).requireChannelBinding().build();
    assertThat(session(source)).containsExactly(true, "");
  }

  @Test
  void withoutTlsScramLogsInToo() {
    Source source =
        Source.builder()
            .host("localhost")
            .port(database.port())
            .database(database.name())
            .user("scram")
            .password(Secret.of("canary"))
            .withoutTls()
            .build();
    assertThat(session(source)).containsExactly(false, "");
  }

  @Test
  void anAddressIsVerifiedLikeAName() throws Exception {
    assertThat(refusal(source().host("127.0.0.1").user("postgres").build()))
        .contains("is not trusted: its certificate is not for that name, but for localhost");
    show(AUTHORITY.sign("db", "localhost", "127.0.0.1"), "address");
    assertThat(session(source().host("127.0.0.1").user("postgres").build()))
        .containsExactly(true, "");
  }

  @Test
  @DisplayName(
      "S-01: a real server with another certificate is refused from the next connection on")
  void anotherCertificateIsRefusedFromThenOn() throws Exception {
    Source source = source().user("postgres").build();
    assertThat(session(source)).containsExactly(true, "");
    show(Certificates.authority("Mallory").sign("db", "localhost"), "mallory");
    try {
      assertThat(refusal(source))
          .contains("is signed by nobody that is trusted (issuer CN=Mallory)");
      Source unverified =
          source()
              .tlsRootCertificate(root)
              .insecureTls(Source.Tls.UNVERIFIED)
              .user("postgres")
              .build();
      assertThat(session(unverified)).containsExactly(true, "");
    } finally {
      show(AUTHORITY.sign("db", "localhost", "127.0.0.1"), "address");
    }
  }
}
