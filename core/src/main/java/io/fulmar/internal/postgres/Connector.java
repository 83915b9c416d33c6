package io.fulmar.internal.postgres;

import io.fulmar.Secret;
import io.fulmar.Source;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/**
 * Opens connections as a {@link Source} says: its own, by pgjdbc's driver without {@code
 * DriverManager}, or those of the application's data source. This class is threadsafe; {@link
 * #close} ends what it registered for the driver.
 */
public final class Connector implements AutoCloseable {
  private final Source source;
  private final String applicationName;
  private final Wiring wiring;
  private final Driver driver = new Driver();
  private final @Nullable Borrowing borrowing;

  /**
   * A connector for a source.
   *
   * @param source what to connect to
   * @param applicationName what {@code pg_stat_activity} shows until a session names itself
   */
  public Connector(Source source, String applicationName) {
    this.source = source;
    this.applicationName = applicationName;
    this.wiring = new Wiring(source.socketFactory());
    DataSource dataSource = source.dataSource();
    this.borrowing = dataSource == null ? null : new Borrowing(dataSource, source.connectTimeout());
  }

  /**
   * Opens a connection; the caller closes it.
   *
   * @throws NoConnectionException if the application's data source had none free for 5 seconds
   * @throws SQLException if there is another reason
   */
  public Connection connect() throws SQLException {
    if (borrowing != null) {
      return borrowing.borrow();
    }
    ConnectAttempt attempt = new ConnectAttempt();
    String arg = wiring.begin(attempt);
    long began = System.nanoTime();
    try {
      Connection connection = driver.connect(url(), properties(arg));
      if (connection == null) {
        throw new SQLException("the driver does not take its own address", "08001");
      }
      return connection;
    } catch (SQLException e) {
      Duration elapsed = Duration.ofNanos(System.nanoTime() - began);
      throw new ConnectFailedException(ConnectDiagnosis.of(e, attempt, source, elapsed), e);
    } finally {
      wiring.end(arg);
    }
  }

  private String url() {
    String host =
        source.host().contains(":") && !source.host().startsWith("[")
            ? "[" + source.host() + "]"
            : source.host();
    return "jdbc:postgresql://" + host + ":" + source.port() + "/";
  }

  private Properties properties(String wiringArg) {
    Properties properties = new Properties();
    PGProperty.PG_DBNAME.set(properties, source.database());
    PGProperty.USER.set(properties, source.user());
    Secret password = source.password();
    if (password != null) {
      PGProperty.PASSWORD.set(properties, password.reveal());
    }
    PGProperty.APPLICATION_NAME.set(properties, applicationName);
    // Makes the driver send the name when it connects, so that DISCARD ALL goes back to it.
    PGProperty.ASSUME_MIN_SERVER_VERSION.set(properties, "9.0");
    PGProperty.CONNECT_TIMEOUT.set(properties, seconds(source.connectTimeout()));
    PGProperty.SSL_RESPONSE_TIMEOUT.set(properties, (int) source.connectTimeout().toMillis());
    PGProperty.LOGIN_TIMEOUT.set(properties, seconds(source.connectTimeout()));
    PGProperty.SOCKET_TIMEOUT.set(properties, seconds(source.socketTimeout()));
    PGProperty.TCP_KEEP_ALIVE.set(properties, true);
    // Prepared statements of the server outlive a transaction, which a transaction pooler does not.
    PGProperty.PREPARE_THRESHOLD.set(properties, 0);
    tls(properties);
    PGProperty.SOCKET_FACTORY.set(properties, WiredSocketFactory.class.getName());
    PGProperty.SOCKET_FACTORY_ARG.set(properties, wiringArg);
    return properties;
  }

  private void tls(Properties properties) {
    PGProperty.SSL_MODE.set(
        properties,
        switch (source.tls()) {
          case VERIFY_FULL -> "verify-full";
          case VERIFY_CA -> "verify-ca";
          case UNVERIFIED -> "require";
          case OFF -> "disable";
        });
    Path root = source.tlsRootCertificate();
    boolean verified =
        source.tls() == Source.Tls.VERIFY_FULL || source.tls() == Source.Tls.VERIFY_CA;
    if (verified && root == null) {
      PGProperty.SSL_FACTORY.set(properties, "org.postgresql.ssl.DefaultJavaSSLFactory");
    } else if (verified && root != null) {
      PGProperty.SSL_ROOT_CERT.set(properties, root.toString());
    }
  }

  private static int seconds(Duration duration) {
    return (int) Math.max(1, (duration.toMillis() + 999) / 1000);
  }

  @Override
  public void close() {
    if (borrowing != null) {
      borrowing.close();
    }
    wiring.close();
  }
}
