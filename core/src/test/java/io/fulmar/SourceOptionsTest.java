package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.spi.Tunnel;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import javax.net.SocketFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A source out of the texts of a configuration file. */
class SourceOptionsTest {
  private static Map<String, String> options(String... more) {
    Map<String, String> options = new TreeMap<>();
    options.put("host", "db");
    options.put("database", "shop");
    options.put("user", "fulmar");
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return options;
  }

  static TreeSet<String> settersOf(Class<?> builder) {
    TreeSet<String> names = new TreeSet<>();
    for (Method method : builder.getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers()) && method.getReturnType() == builder) {
        names.add(method.getName());
      }
    }
    return names;
  }

  @Test
  void everySetterHasAnOptionButForObjects() {
    assertThatThrownBy(() -> Source.of(Map.of("x", "")))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .satisfies(
            e -> {
              TreeSet<String> setters = settersOf(Source.Builder.class);
              setters.remove("socketFactory");
              setters.remove("tunnel");
              assertThat(e.getMessage())
                  .isEqualTo(
                      "Cannot use option 'x': there is no such option. There are url, %s.",
                      String.join(", ", setters));
            });
  }

  @Test
  void textsBecomeSettings() {
    Source source =
        Source.of(
            options(
                "hosts", "db1 , db2:5433",
                "password", "secret",
                "targetServer", "PRIMARY",
                "tlsRootCertificate", "/etc/root.pem",
                "tlsClientCertificate", "/etc/client.pem",
                "tlsClientKey", "/etc/client.key",
                "tlsKeyPassword", "of the key",
                "insecureTls", "VERIFY_CA",
                "withoutTls", "false",
                "allowWeakAuthentication", "true",
                "requireChannelBinding", "true",
                "connectTimeout", "500ms",
                "socketTimeout", "PT90S",
                "statementTimeout", "2h",
                "lockTimeout", "5min",
                "planDeadline", "1d",
                "searchPath", "app, public",
                "poolSize", "7"));
    assertThat(source.hosts()).containsExactly("db1:5432", "db2:5433");
    assertThat(source.password().reveal()).isEqualTo("secret");
    assertThat(source.targetServer()).isEqualTo(Source.TargetServer.PRIMARY);
    assertThat(source.tlsRootCertificate()).isEqualTo(Path.of("/etc/root.pem"));
    assertThat(source.tlsKeyPassword().reveal()).isEqualTo("of the key");
    assertThat(source.tls()).isEqualTo(Source.Tls.VERIFY_CA);
    assertThat(source.allowsWeakAuthentication()).isTrue();
    assertThat(source.requiresChannelBinding()).isTrue();
    assertThat(source.connectTimeout()).isEqualTo(Duration.ofMillis(500));
    assertThat(source.socketTimeout()).isEqualTo(Duration.ofSeconds(90));
    assertThat(source.statementTimeout()).isEqualTo(Duration.ofHours(2));
    assertThat(source.lockTimeout()).isEqualTo(Duration.ofMinutes(5));
    assertThat(source.planDeadline()).isEqualTo(Duration.ofDays(1));
    assertThat(source.searchPath()).containsExactly("app", "public");
    assertThat(source.poolSize()).isEqualTo(7);
  }

  @Test
  void aUrlIsCompletedByTheOthers() {
    Source source =
        Source.of(
            Map.of(
                "url", "jdbc:postgresql://db1/shop?user=somebody",
                "user", "fulmar",
                "password", "secret"));
    assertThat(source.toString()).isEqualTo("Source[postgresql://db1:5432/shop]");
    assertThat(source.user()).isEqualTo("fulmar");
  }

  @ParameterizedTest
  @CsvSource({
    "pasword, password",
    "connect-timeout, connectTimeout",
    "USER, user",
    "tls_root_certificate, tlsRootCertificate",
    "databse, database",
    "statment.timeout, statementTimeout",
    "hostss, hosts"
  })
  void anUnknownNameIsRefusedAndTheNearestNamed(String name, String nearest) {
    assertThatThrownBy(() -> Source.of(options(name, "canary")))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot use option '%s': there is no such option. Did you mean '%s'?", name, nearest);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "port             | canary  | it is a whole number.",
        "port             | 70000   | port must be 1 to 65535, is 70000.",
        "connectTimeout   | 10      | it is a duration with its unit: 500ms, 10s, 5min, 6h, 7d or PT10S.",
        "connectTimeout   | 2h      | connectTimeout must be PT0.1S to PT10M, is PT2H.",
        "withoutTls       | yes     | it is true or false.",
        "insecureTls      | canary  | it is one of [VERIFY_FULL, VERIFY_CA, UNVERIFIED, OFF].",
        "insecureTls      | OFF     | insecureTls must be VERIFY_CA or UNVERIFIED, is OFF.",
        "targetServer     | master  | it is one of [ANY, PRIMARY, STANDBY, PREFER_PRIMARY, PREFER_STANDBY].",
        "searchPath       | a,pg_temp | more must not be pg_temp, which is there anyway.",
        "hosts            | db1,,db2  | more must be 1 to 253 bytes, not blank and without the character 0, is 0 bytes.",
        "host             | db/canary | host must be the name or address of a host, without blanks, / ? # @ , and brackets.",
      })
  void aValueThatIsNoneIsRefusedUnseen(String name, String value, String reason) {
    assertThatThrownBy(() -> Source.of(options(name, value)))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot use option '%s': %s", name, reason)
        .hasMessageNotContaining("canary");
  }

  @Test
  void whatExcludesEachOtherIsRefused() {
    assertThatThrownBy(
            () -> Source.of(options("withoutTls", "true", "tlsRootCertificate", "root.pem")))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("tlsRootCertificate(...) and withoutTls() exclude each other");
    assertThatThrownBy(() -> Source.of(options("tlsClientCertificate", "client.pem")))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("tlsClientCertificate(...) needs tlsClientKey(...)");
    assertThatThrownBy(() -> Source.of(options("requireChannelBinding", "true")))
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("requireChannelBinding() needs password(...)");
  }

  @ParameterizedTest
  @CsvSource({
    "db, db:5432",
    "db:1, db:1",
    "10.0.0.7:65535, 10.0.0.7:65535",
    "::1, [::1]:5432",
    "[::1], [::1]:5432",
    "[2001:db8::7]:5433, [2001:db8::7]:5433"
  })
  void addressesOfBothKindsAreRead(String given, String shown) {
    assertThat(Source.of(options("hosts", given)).hosts()).containsExactly(shown);
  }

  private static final class NoTunnel implements Tunnel {
    @Override
    public String name() {
      throw new AssertionError("nobody asks");
    }

    @Override
    public Dialer dialer() {
      throw new AssertionError("nothing is dialled");
    }
  }

  @Test
  void tunnelAndSocketFactoryExcludeEachOther() {
    Source.Builder source =
        Source.builder()
            .host("db")
            .database("shop")
            .user("fulmar")
            .socketFactory(SocketFactory.getDefault())
            .tunnel(new NoTunnel());
    assertThatThrownBy(source::build)
        .isExactlyInstanceOf(IllegalStateException.class)
        .hasMessage("tunnel(...) and socketFactory(...) exclude each other");
  }
}
