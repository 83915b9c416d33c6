package io.fulmar.testkit.internal.postgres;

import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import java.sql.SQLException;

/**
 * A PostgreSQL server with TLS, which shows the certificate that a test gives it and may show
 * another one later. Passwords are kept as SCRAM wants them. The superuser stays trusted, with TLS
 * and without; everybody else comes in by the rules of the test.
 *
 * <p>Certificates are files, made by whoever uses this; a key must be readable by its owner alone.
 *
 * <p>This class is thread-safe.
 */
public final class TlsServer implements AutoCloseable {
  private final TestPostgres postgres;
  private final TestDatabase database;
  private final Path authority;

  private TlsServer(TestPostgres postgres, Path authority) {
    this.postgres = postgres;
    this.database = postgres.createDatabase();
    this.authority = authority;
  }

  /**
   * Starts a server that shows a certificate.
   *
   * @param certificate what it shows, PEM
   * @param key the key of it, PEM
   * @param authority who signs certificates of clients, PEM
   * @param rules lines of {@code pg_hba.conf}, before the one for the superuser
   * @return a running server, to be closed by the caller
   */
  public static TlsServer start(Path certificate, Path key, Path authority, String... rules)
      throws Exception {
    TestPostgres postgres =
        TestPostgres.builder().parameter("password_encryption", "scram-sha-256").start();
    try {
      TlsServer server = new TlsServer(postgres, authority);
      server.show(certificate, key);
      Hba.set(server.database, rules);
      return server;
    } catch (Exception e) {
      postgres.close();
      throw e;
    }
  }

  /** A database of it, of the superuser. */
  public TestDatabase database() {
    return database;
  }

  /** Shows another certificate to whoever connects from now on. */
  public void show(Path certificate, Path key) throws SQLException {
    Hba.tls(database, certificate, key, authority);
  }

  /** Stops the server, whoever is connected, and deletes its data. */
  @Override
  public void close() {
    postgres.close();
  }

  /** Names the version and the port. */
  @Override
  public String toString() {
    return postgres + " with TLS";
  }
}
