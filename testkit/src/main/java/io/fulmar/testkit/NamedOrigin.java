package io.fulmar.testkit;

import io.fulmar.Secret;
import java.sql.SQLException;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;

/** The server that a setting names: there or an error. */
final class NamedOrigin implements Origin {
  static final String WORD = "url";

  private static final String HOST = "PGHOST";
  private static final String PORT = "PGPORT";
  private static final String DATABASE = "PGDBNAME";
  private static final String USER = "user";
  private static final String PASSWORD = "password";

  private final Settings settings;

  NamedOrigin(Settings settings) {
    this.settings = settings;
  }

  @Override
  public String word() {
    return WORD;
  }

  @Override
  public String reason() {
    return settings.placeOf(TestServer.URL_SETTING) + " names it";
  }

  @Override
  public TestServer take() throws AbsentException {
    String url = settings.get(TestServer.URL_SETTING);
    if (url == null) {
      throw new AbsentException("no server is named (%s)".formatted(TestServer.URL_SETTING));
    }
    TestDatabase place = parse(url);
    try {
      return RemoteServer.named(place);
    } catch (SQLException e) {
      throw new IllegalStateException(
          "Cannot test on the server at %s:%s, which %s names, as %s: %s"
              .formatted(
                  place.host(),
                  place.port(),
                  settings.placeOf(TestServer.URL_SETTING),
                  place.user(),
                  e.getMessage()),
          e);
    }
  }

  /** No message shows the URL: a password may be in it. */
  private TestDatabase parse(String url) {
    Properties parts = Driver.parseURL(url, new Properties());
    if (parts == null) {
      throw refused("is not of the form jdbc:postgresql://host:5432/");
    }
    String host = parts.getProperty(HOST);
    String port = parts.getProperty(PORT);
    if (host.contains(",")) {
      throw refused("names several servers");
    }
    String user = setting(TestServer.USER_SETTING, parts.getProperty(USER));
    String password = setting(TestServer.PASSWORD_SETTING, parts.getProperty(PASSWORD));
    Set<String> rest = new TreeSet<>(parts.stringPropertyNames());
    rest.removeAll(Set.of(HOST, PORT, DATABASE, USER, PASSWORD));
    if (!rest.isEmpty()) {
      throw refused("has parameters besides user and password: " + String.join(", ", rest));
    }
    if (user == null) {
      throw refused("names no user, and neither does " + TestServer.USER_SETTING);
    }
    return new TestDatabase(
        host,
        Integer.parseInt(port),
        TestPostgres.MAINTENANCE,
        user,
        password == null ? null : Secret.of(password));
  }

  private @Nullable String setting(String name, @Nullable String otherwise) {
    String value = settings.get(name);
    return value == null ? otherwise : value;
  }

  private IllegalStateException refused(String fact) {
    return new IllegalStateException(
        "Cannot test on a server by its URL: %s %s."
            .formatted(settings.placeOf(TestServer.URL_SETTING), fact));
  }
}
