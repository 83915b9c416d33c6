package io.fulmar.testkit;

import io.fulmar.Secret;
import io.fulmar.Source;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database on a {@link TestServer}: where it is, and the shortest ways into it. A value without
 * resources; the database lives until {@link #drop()} or until its server ends. Its {@code
 * toString()} does not show the password.
 *
 * <p>This class is thread-safe.
 *
 * @param host the host, as a connection names it
 * @param port the port
 * @param name the database
 * @param user who has made it: a superuser, unless the server is one that a setting names
 * @param password the user's; null on a {@link TestPostgres}, which asks for none
 */
public record TestDatabase(
    String host, int port, String name, String user, @Nullable Secret password) {
  /** Checks that nothing is null but the password. */
  public TestDatabase {
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(user, "user");
  }

  /**
   * A database for which no password is asked.
   *
   * @param host the host, as a connection names it
   * @param port the port
   * @param name the database
   * @param user who connects
   */
  public TestDatabase(String host, int port, String name, String user) {
    this(host, port, name, user, null);
  }

  /**
   * Begins a source with this database and its log-in, without TLS.
   *
   * @return a builder, for further settings or another role
   */
  public Source.Builder source() {
    Source.Builder source =
        Source.builder().host(host).port(port).database(name).user(user).withoutTls();
    return password == null ? source : source.password(password);
  }

  /**
   * A URL for {@link DriverManager}, the user included and the password not.
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
    if (password != null) {
      dataSource.setPassword(password.reveal());
    }
    return dataSource;
  }

  /**
   * Opens a connection.
   *
   * @return a new connection, to be closed by the caller
   * @throws SQLException if the server refuses or is closed
   */
  public Connection connect() throws SQLException {
    Properties properties = new Properties();
    if (password != null) {
      properties.setProperty("password", password.reveal());
    }
    return DriverManager.getConnection(jdbcUrl(), properties);
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
   * Drops the database and ends every session in it. Dropping again does nothing.
   *
   * @throws SQLException if the server refuses or has ended
   */
  public void drop() throws SQLException {
    inMaintenance("drop database if exists %s with (force)");
  }

  void create() throws SQLException {
    inMaintenance("create database %s");
  }

  /** Copies files, which is faster than to log what is in them; before 15 there is no choice. */
  void createByCopy(int majorVersion) throws SQLException {
    inMaintenance(
        majorVersion < 15 ? "create database %s" : "create database %s strategy file_copy");
  }

  private void inMaintenance(String sql) throws SQLException {
    TestDatabase maintenance =
        new TestDatabase(host, port, TestPostgres.MAINTENANCE, user, password);
    try (Connection connection = maintenance.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(sql.formatted(statement.enquoteIdentifier(name, true)));
    }
  }
}
