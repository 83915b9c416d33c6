package io.fulmar.testkit;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Which server it is that answers on a port.
 *
 * @param majorVersion 17 for PostgreSQL 17.11, say
 * @param data the directory of its data
 */
record Identity(int majorVersion, Path data) {
  private static final String SQL =
      "select current_setting('server_version_num')::int4 / 10000, current_setting('data_directory')";

  static Identity of(int port) throws SQLException {
    TestDatabase maintenance =
        new TestDatabase(TestPostgres.HOST, port, TestPostgres.MAINTENANCE, TestPostgres.SUPERUSER);
    try (Connection connection = DriverManager.getConnection(maintenance.jdbcUrl());
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(SQL)) {
      row.next();
      return new Identity(row.getInt(1), Path.of(row.getString(2)));
    }
  }
}
