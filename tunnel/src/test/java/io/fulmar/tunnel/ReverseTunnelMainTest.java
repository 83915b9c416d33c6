package io.fulmar.tunnel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A tunnel out of a configuration file; what is wrong in it is named, with the file. */
class ReverseTunnelMainTest {
  private static final String FINGERPRINT = "SHA256:" + "A".repeat(43);

  @TempDir Path directory;

  private static Map<String, String> settings() {
    Map<String, String> settings = new TreeMap<>();
    settings.put("server", "gateway.example.com:2222");
    settings.put("user", "shop");
    settings.put("key", "/etc/fulmar/id_ed25519");
    settings.put("listen", "5433");
    settings.put("database", "db.internal:5432");
    settings.put("fingerprint", FINGERPRINT);
    return settings;
  }

  private Path file(Map<String, String> settings) throws IOException {
    StringBuilder text = new StringBuilder();
    settings.forEach((name, value) -> text.append(name).append(" = ").append(value).append('\n'));
    Path file = directory.resolve("tunnel.properties");
    Files.writeString(file, text, StandardCharsets.UTF_8);
    return file;
  }

  private String refusal(Map<String, String> settings) throws IOException {
    Path file = file(settings);
    try {
      ReverseTunnelMain.tunnel(file);
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).startsWith(file + ": ");
      return e.getMessage().substring((file + ": ").length());
    }
    throw new AssertionError("it was taken");
  }

  @Test
  void settingsBecomeATunnel() throws IOException {
    Map<String, String> settings = settings();
    assertThat(ReverseTunnelMain.tunnel(file(settings)))
        .hasToString(
            "ReverseTunnel[ssh://shop@gateway.example.com:2222 listens on 127.0.0.1:5433 for"
                + " db.internal:5432]");
    settings.remove("fingerprint");
    settings.put("server", "[2001:db8::1]");
    settings.put("database", "[::1]:5432");
    settings.put("bind-address", "127.0.0.1");
    settings.put("known-hosts", "/etc/fulmar/known_hosts");
    settings.put("passphrase-env", "PASSPHRASE");
    settings.put("keep-alive-seconds", "10");
    settings.put("probe-seconds", "0");
    settings.put("listen", " 0 ");
    assertThat(ReverseTunnelMain.tunnel(file(settings)).toString())
        .endsWith(":22 listens on 127.0.0.1:0 for [::1]:5432]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"server", "user", "key", "listen", "database"})
  void whatIsMissingIsNamed(String name) throws IOException {
    Map<String, String> settings = settings();
    settings.put(name, " ");
    assertThat(refusal(settings)).isEqualTo(name + " is missing");
    settings.remove(name);
    assertThat(refusal(settings)).isEqualTo(name + " is missing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "server|gateway:ssh|it is no whole number",
        "server|gateway:70000|port must be 1 to 65535, is 70000",
        "server|2001:db8::1|it must be host:port, an IPv6 address in brackets, is 2001:db8::1",
        "listen|five|it is no whole number",
        "listen|65536|listen must be 0 to 65535, is 65536",
        "listen|-1|listen must be 0 to 65535, is -1",
        "database|db|it must be host:port, an IPv6 address in brackets, is db",
        "database|db:|it is no whole number",
        "database|db:0|port must be 1 to 65535, is 0",
        "database|:5432|host must have 1 to 253 characters",
        "keep-alive-seconds|0|keepAlive must be PT1S to PT10M, is PT0S",
        "keep-alive-seconds|7s|it is no whole number",
        "probe-seconds|3601|probeEvery must be PT1S to PT1H, is PT1H1S",
      })
  void whatIsWrongIsNamed(String name, String value, String fact) throws IOException {
    Map<String, String> settings = settings();
    settings.put(name, value);
    assertThat(refusal(settings)).isEqualTo(name + " is wrong: " + fact);
  }

  @Test
  void fingerprintOfAnotherKindIsRefused() throws IOException {
    Map<String, String> settings = settings();
    settings.put("fingerprint", "MD5:00:11");
    assertThat(refusal(settings))
        .isEqualTo(
            "fingerprint is wrong: fingerprint must be SHA256: and 43 characters of base64, as"
                + " ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub shows it on the server, is"
                + " MD5:00:11");
  }

  @Test
  void twoWaysToKnowTheServerExcludeEachOther() throws IOException {
    Map<String, String> settings = settings();
    settings.put("known-hosts", "/etc/fulmar/known_hosts");
    assertThat(refusal(settings)).isEqualTo("known-hosts and fingerprint exclude each other");
  }

  @Test
  void settingThatThereIsNotIsNamedWithThoseThatThereAre() throws IOException {
    Map<String, String> settings = settings();
    settings.put("port", "22");
    settings.put("passphrase", "canary");
    assertThat(refusal(settings))
        .isEqualTo(
            "there is no setting passphrase, port. There are bind-address, database, fingerprint,"
                + " keep-alive-seconds, key, known-hosts, listen, passphrase-env, probe-seconds,"
                + " server, user.");
  }

  @Test
  void backslashThatBeginsNothingIsNamed() throws IOException {
    Map<String, String> settings = settings();
    settings.put("key", "C:\\users\\fulmar");
    assertThat(refusal(settings))
        .isEqualTo("a \\u has not four hexadecimal digits after it; for a backslash, write two");
  }

  @Test
  void fileThatIsMissingOrNotGivenIsNamed() {
    Path missing = directory.resolve("missing.properties");
    assertThatThrownBy(() -> ReverseTunnelMain.main(new String[] {missing.toString()}))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("there is no file " + missing);
    assertThatThrownBy(() -> ReverseTunnelMain.main(new String[0]))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage("one argument is needed: the configuration file");
  }
}
