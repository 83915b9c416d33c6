package io.fulmar.verify.bench.compare;

import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Connections under the settings that Lightning plans with, so that peers have them too. */
final class Connections {
  private static final String[] SETTINGS = {
    "set work_mem = '64MB'", "set max_parallel_workers_per_gather = 2", "set jit = off"
  };

  private Connections() {}

  static Connection open(TestDatabase at) throws SQLException {
    Connection connection = at.connect();
    try (Statement statement = connection.createStatement()) {
      for (String each : SETTINGS) {
        statement.execute(each);
      }
    }
    return connection;
  }

  /** The first column of the first row. */
  static long number(TestDatabase at, String sql) throws SQLException {
    try (Connection connection = open(at);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }
}
