package io.fulmar.verify.connect;

import io.fulmar.testkit.TestDatabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** Who may log in how: a server's {@code pg_hba.conf} and its TLS, changed while it runs. */
final class Hba {
  private Hba() {}

  /** These rules first; the superuser of the tests stays trusted. */
  static void set(TestDatabase database, String... rules) throws Exception {
    List<String> lines = new ArrayList<>(List.of(rules));
    lines.add("host all postgres all trust");
    Files.write(Path.of(query(database, "show hba_file")), lines);
    reload(database);
  }

  /** Switches TLS on, or shows another certificate from now on. */
  static void tls(TestDatabase database, Path certificate, Path key, Path authority)
      throws SQLException {
    database.execute(
        "alter system set ssl_cert_file = '%s'".formatted(certificate),
        "alter system set ssl_key_file = '%s'".formatted(key),
        "alter system set ssl_ca_file = '%s'".formatted(authority),
        "alter system set ssl = on");
    reload(database);
  }

  /** Whoever connects after this finds the new settings. */
  private static void reload(TestDatabase database) throws SQLException {
    String before = query(database, "select pg_conf_load_time()::text");
    database.execute("select pg_reload_conf()");
    // A session that begins later has the time that the postmaster has, so ask by new ones.
    for (int i = 0; i < 500; i++) {
      if (!before.equals(query(database, "select pg_conf_load_time()::text"))) {
        return;
      }
      database.execute("select pg_sleep(0.02)");
    }
    throw new IllegalStateException("the server does not read its settings");
  }

  static String query(TestDatabase database, String sql) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }
}
