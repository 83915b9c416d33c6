package io.fulmar.internal.postgres;

import io.fulmar.Secret;
import io.fulmar.Source;
import io.fulmar.internal.postgres.ConnectFailure.Kind;
import io.fulmar.spi.Tunnel;
import java.net.SocketAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
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
  private static final String REQUIRE_AUTH = "requireAuth";

  /** 25 times the server's default; a server that asks for more wants this side to be busy. */
  private static final int MOST_SCRAM_ITERATIONS = 100_000;

  /** How long the driver goes by what it knew of a server, for all connections of the JVM. */
  private static final int RECHECK_SECONDS = 2;

  private static final Duration CANCEL = Duration.ofSeconds(5);

  private final Source source;
  private final String applicationName;
  private final Tunnel.@Nullable Dialer dialer;
  private final Wiring wiring;
  private final Driver driver = new Driver();
  private final @Nullable Borrowing borrowing;
  private volatile @Nullable SocketAddress local;

  /**
   * A connector for a source.
   *
   * @param source what to connect to
   * @param applicationName what {@code pg_stat_activity} shows until a session names itself
   */
  public Connector(Source source, String applicationName) {
    this.source = source;
    this.applicationName = applicationName;
    Tunnel tunnel = source.tunnel();
    this.dialer = tunnel == null ? null : tunnel.dialer();
    this.wiring = new Wiring(dialer == null ? source.socketFactory() : dialer.sockets());
    DataSource dataSource = source.dataSource();
    this.borrowing = dataSource == null ? null : new Borrowing(dataSource, source.connectTimeout());
  }

  /**
   * Opens a connection; the caller closes it.
   *
   * @throws ConnectFailedException if none of its own comes about, with the reason
   * @throws NoConnectionException if the application's data source had none free for 5 seconds
   * @throws SQLException if the data source gives none for another reason
   */
  public Connection connect() throws SQLException {
    if (borrowing != null) {
      return borrowing.borrow();
    }
    ConnectAttempt attempt = new ConnectAttempt();
    String arg = wiring.begin(attempt);
    long began = System.nanoTime();
    try {
      Connection connection = driver.connect(url(), properties(arg, attempt));
      if (connection == null) {
        throw new SQLException("the driver does not take its own address", "08001");
      }
      List<Contact> contacts = attempt.contacts();
      local = contacts.isEmpty() ? null : contacts.get(contacts.size() - 1).local();
      return connection;
    } catch (ConnectFailedException e) {
      throw e;
    } catch (SQLException e) {
      Duration elapsed = Duration.ofNanos(System.nanoTime() - began);
      throw new ConnectFailedException(ConnectDiagnosis.of(e, attempt, source, elapsed), e);
    } finally {
      wiring.end(arg);
    }
  }

  /**
   * This machine's end of the connection that was made last; null if there was none, or the sockets
   * are the application's own.
   */
  public @Nullable SocketAddress local() {
    return local;
  }

  /** Places alone: whatever stands behind them in a URL beats the properties. */
  private String url() {
    return "jdbc:postgresql://" + String.join(",", source.hosts()) + "/";
  }

  private Properties properties(String arg, ConnectAttempt attempt) throws SQLException {
    Properties properties = new Properties();
    DriverProperties.forced().forEach(properties::setProperty);
    PGProperty.PG_DBNAME.set(properties, source.database());
    PGProperty.USER.set(properties, source.user());
    PGProperty.APPLICATION_NAME.set(properties, applicationName);
    PGProperty.CONNECT_TIMEOUT.set(properties, seconds(source.connectTimeout()));
    PGProperty.LOGIN_TIMEOUT.set(properties, seconds(source.connectTimeout()));
    PGProperty.SSL_RESPONSE_TIMEOUT.set(properties, (int) source.connectTimeout().toMillis());
    PGProperty.SOCKET_TIMEOUT.set(properties, seconds(source.socketTimeout()));
    // A request to cancel that gets no answer must not outlast the grace of who waits for it.
    Duration cancelTimeout =
        source.connectTimeout().compareTo(CANCEL) < 0 ? source.connectTimeout() : CANCEL;
    PGProperty.CANCEL_SIGNAL_TIMEOUT.set(properties, seconds(cancelTimeout));
    PGProperty.SOCKET_FACTORY.set(properties, WiredSocketFactory.class.getName());
    PGProperty.SOCKET_FACTORY_ARG.set(properties, arg);
    PGProperty.TARGET_SERVER_TYPE.set(
        properties,
        switch (source.targetServer()) {
          case ANY -> "any";
          case PRIMARY -> "primary";
          case STANDBY -> "secondary";
          case PREFER_PRIMARY -> "preferPrimary";
          case PREFER_STANDBY -> "preferSecondary";
        });
    PGProperty.HOST_RECHECK_SECONDS.set(properties, RECHECK_SECONDS);
    tls(properties, arg, attempt);
    logIn(properties);
    return properties;
  }

  private void tls(Properties properties, String arg, ConnectAttempt attempt) throws SQLException {
    PGProperty.SSL_MODE.set(
        properties,
        switch (source.tls()) {
          case VERIFY_FULL -> "verify-full";
          case VERIFY_CA -> "verify-ca";
          case UNVERIFIED -> "require";
          case OFF -> "disable";
        });
    PGProperty.SSL_FACTORY_ARG.set(properties, arg);
    if (source.tls() == Source.Tls.OFF) {
      return;
    }
    PGProperty.SSL_FACTORY.set(properties, WiredTlsFactory.class.getName());
    PGProperty.SSL_HOSTNAME_VERIFIER.set(properties, WiredHostnameVerifier.class.getName());
    try {
      attempt.tls(TlsContext.of(source, attempt));
    } catch (TlsFiles.UnusableException e) {
      throw failed(Kind.TLS_FILES, e, "Look at the tls... settings and the files.");
    } catch (SecretText.UnreadableException e) {
      throw failed(Kind.SECRET, e, "Look at where it comes from.");
    }
  }

  private void logIn(Properties properties) throws SQLException {
    Secret password = source.password();
    if (password == null) {
      return;
    }
    try {
      PGProperty.PASSWORD.set(properties, SecretText.of("password", password));
    } catch (SecretText.UnreadableException e) {
      throw failed(Kind.SECRET, e, "Look at where it comes from.");
    }
    if (source.requiresChannelBinding()) {
      PGProperty.CHANNEL_BINDING.set(properties, "require");
    }
    properties.setProperty("scramMaxIterations", Integer.toString(MOST_SCRAM_ITERATIONS));
    if (source.tls() != Source.Tls.VERIFY_FULL && !source.allowsWeakAuthentication()) {
      if (PGProperty.forName(REQUIRE_AUTH) == null) {
        throw failed(
            Kind.AUTHENTICATION,
            new SQLException(
                "this version of pgjdbc lets any server ask for the password in clear"),
            "Use pgjdbc 42.7.11 or later, or verified TLS.");
      }
      properties.setProperty(REQUIRE_AUTH, "scram-sha-256");
    }
  }

  private static SQLException failed(Kind kind, Exception e, String remedy) {
    SQLException cause = new SQLException(e.getMessage());
    cause.setStackTrace(e.getStackTrace());
    return new ConnectFailedException(
        new ConnectFailure(kind, String.valueOf(e.getMessage()), remedy, null, cause), cause);
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
    if (dialer != null) {
      dialer.close();
    }
  }
}
