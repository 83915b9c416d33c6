package io.fulmar.testkit;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database on a {@link TestPostgres}: where it is, and the shortest ways into it. A value without
 * resources; the database lives until {@link #drop()} or until its server is closed. No password is
 * asked for.
 *
 * <p>This class is thread-safe.
 *
 * @param host the host, as a connection names it
 * @param port the port
 * @param name the database
 * @param user a superuser
 */
public record TestDatabase(String host, int port, String name, String user) {
  /** Checks that nothing is null. */
  public TestDatabase {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(user, "user");
  }

  /**
   * A URL for {@link DriverManager}, the user included.
   *
   * @return {@code jdbc:postgresql://localhost:5432/test_1?user=postgres}, say
   */
  public String jdbcUrl() {
    return "jdbc:postgresql://%s:%s/%s?user=%s"
        .formatted(
            host,
            port,
            URLEncoder.encode(name, StandardCharsets.UTF_8),
            URLEncoder.encode(user, StandardCharsets.UTF_8));
  }

  /**
   * A data source without a pool: each connection is new, and closing it ends the session.
   *
   * @return a new data source
   */
  public DataSource dataSource() {
    PGSimpleDataSource dataSource = new PGSimpleDataSource();
    dataSource.setUrl(jdbcUrl());
    return dataSource;
  }

  /**
   * Opens a connection.
   *
   * @return a new connection, to be closed by the caller
   * @throws SQLException if the server refuses or is closed
   */
  public Connection connect() throws SQLException {
    return DriverManager.getConnection(jdbcUrl());
  }

  /**
   * Runs statements one after the other on a connection of their own, each in a transaction of its
   * own. What they return is thrown away.
   *
   * @param sql the statements
   * @throws SQLException from the first that fails; the rest do not run
   */
  public void execute(String... sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      for (String one : sql) {
        statement.execute(one);
      }
    }
  }

  /**
   * Drops the database and ends every session in it.
   *
   * @throws SQLException if it is gone already
   */
  public void drop() throws SQLException {
    inMaintenance("drop database %s with (force)");
  }

  /** Copies files, which is faster than to log what is in them; before 15 there is no choice. */
  void create(int majorVersion) throws SQLException {
    inMaintenance(
        majorVersion < 15 ? "create database %s" : "create database %s strategy file_copy");
  }

  private void inMaintenance(String sql) throws SQLException {
    TestDatabase maintenance = new TestDatabase(host, port, TestPostgres.MAINTENANCE, user);
    try (Connection connection = maintenance.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql.formatted(statement.enquoteIdentifier(name, true)));
    }
  }
}
