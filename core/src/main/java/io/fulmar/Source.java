package io.fulmar;

import io.fulmar.internal.postgres.RoleSql;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.net.SocketFactory;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Where the rows live: a PostgreSQL database, 14 to 18. Immutable, without resources; an engine
 * opens connections at first use and closes them.
 *
 * <pre>{@code
 * Source source = Source.builder()
 *     .host("db.internal").database("shop").user("fulmar").password(Secret.ofEnv("PGPASSWORD"))
 *     .build();
 * }</pre>
 *
 * <p>{@link #of(DataSource)} takes the application's own pool instead, which is never closed; a run
 * needs one connection of it, and gives it back with every setting as it was.
 */
public final class Source {
  private final @Nullable DataSource dataSource;
  private final Builder settings;

  private Source(@Nullable DataSource dataSource, Builder settings) {
    this.dataSource = dataSource;
    this.settings = settings;
  }

  /** How the connection is encrypted and the server identified. */
  public enum Tls {
    /** Encrypted; certificate and host name of the server are verified. The default. */
    VERIFY_FULL,
    /** Encrypted; the certificate is verified, the host name is not. */
    VERIFY_CA,
    /** Encrypted, to whoever answers. */
    UNVERIFIED,
    /** Not encrypted. */
    OFF
  }

  /** Begins with port 5432, verified TLS, and the timeouts that the setters name. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The application's own connections.
   *
   * @param dataSource gives connections to a PostgreSQL database that unwrap to pgjdbc's; never
   *     closed
   */
  public static Source of(DataSource dataSource) {
    return of(dataSource, builder());
  }

  /**
   * The application's own connections, with timeouts for what is run on them.
   *
   * @param dataSource gives connections to a PostgreSQL database that unwrap to pgjdbc's; never
   *     closed
   * @param timeouts its statement and lock timeout are used, the rest is the data source's own
   *     matter
   */
  public static Source of(DataSource dataSource, Builder timeouts) {
    Objects.requireNonNull(dataSource, "dataSource");
    Objects.requireNonNull(timeouts, "timeouts");
    return new Source(dataSource, timeouts.copy());
  }

  /**
   * SQL that makes a role which may read some tables and nothing else, for their owner or a
   * superuser to run. No password is in it: give one in psql by {@code \password}.
   *
   * <pre>{@code
   * System.out.println(Source.roleSql("fulmar", "shop", "public.customer", "sales.*"));
   * }</pre>
   *
   * @param role name of the role, 1 to 63 bytes, as the catalog has it
   * @param database what it may connect to, 1 to 63 bytes, as the catalog has it
   * @param firstTable {@code schema.table}, or {@code schema.*} for all tables and views that the
   *     schema has now; names as SQL writes them, so that upper case and dots need quotes
   * @param moreTables further ones
   * @throws IllegalArgumentException if something is no such name
   */
  public static String roleSql(
      String role, String database, String firstTable, String... moreTables) {
    Checks.text("role", role, 63);
    Checks.text("database", database, 63);
    List<String> tables = new ArrayList<>();
    tables.add(Objects.requireNonNull(firstTable, "firstTable"));
    for (String table : Objects.requireNonNull(moreTables, "moreTables")) {
      tables.add(Objects.requireNonNull(table, "moreTables"));
    }
    return RoleSql.of(role, database, tables);
  }

  /** The application's own connections; null if the engine makes its own. */
  public @Nullable DataSource dataSource() {
    return dataSource;
  }

  /** See {@link Builder#host}. */
  public String host() {
    return settings.host;
  }

  /** See {@link Builder#port}. */
  public int port() {
    return settings.port;
  }

  /** See {@link Builder#database}. */
  public String database() {
    return settings.database;
  }

  /** See {@link Builder#user}. */
  public String user() {
    return settings.user;
  }

  /** See {@link Builder#password}; null for none. */
  public @Nullable Secret password() {
    return settings.password;
  }

  /** See {@link Builder#insecureTls} and {@link Builder#withoutTls}. */
  public Tls tls() {
    return settings.tls;
  }

  /** See {@link Builder#tlsRootCertificate}; null for the JVM's trust store. */
  public @Nullable Path tlsRootCertificate() {
    return settings.tlsRootCertificate;
  }

  /** See {@link Builder#connectTimeout}. */
  public Duration connectTimeout() {
    return settings.connectTimeout;
  }

  /** See {@link Builder#socketTimeout}. */
  public Duration socketTimeout() {
    return settings.socketTimeout;
  }

  /** See {@link Builder#statementTimeout}. */
  public Duration statementTimeout() {
    return settings.statementTimeout;
  }

  /** See {@link Builder#lockTimeout}. */
  public Duration lockTimeout() {
    return settings.lockTimeout;
  }

  /** See {@link Builder#poolSize}. */
  public int poolSize() {
    return settings.poolSize;
  }

  /** See {@link Builder#socketFactory}; null for plain sockets. */
  public @Nullable SocketFactory socketFactory() {
    return settings.socketFactory;
  }

  /** Where it is, without secrets: {@code postgresql://host:port/database}. */
  @Override
  public String toString() {
    return dataSource != null
        ? "Source[data source of the application]"
        : "Source[postgresql://" + host() + ":" + port() + "/" + database() + "]";
  }

  /** Collects the settings of a source. Not threadsafe. */
  public static final class Builder {
    private String host = "";
    private int port = 5432;
    private String database = "";
    private String user = "";
    private @Nullable Secret password;
    private Tls tls = Tls.VERIFY_FULL;
    private @Nullable Path tlsRootCertificate;
    private Duration connectTimeout = Duration.ofSeconds(10);
    private Duration socketTimeout = Duration.ofMinutes(5);
    private Duration statementTimeout = Duration.ofHours(1);
    private Duration lockTimeout = Duration.ofSeconds(30);
    private int poolSize = 4;
    private @Nullable SocketFactory socketFactory;

    private Builder() {}

    private Builder copy() {
      Builder copy = new Builder();
      copy.host = host;
      copy.port = port;
      copy.database = database;
      copy.user = user;
      copy.password = password;
      copy.tls = tls;
      copy.tlsRootCertificate = tlsRootCertificate;
      copy.connectTimeout = connectTimeout;
      copy.socketTimeout = socketTimeout;
      copy.statementTimeout = statementTimeout;
      copy.lockTimeout = lockTimeout;
      copy.poolSize = poolSize;
      copy.socketFactory = socketFactory;
      return copy;
    }

    /** Host name or address of the server, at most 253 bytes. Required. */
    public Builder host(String value) {
      host = Checks.text("host", value, 253);
      return this;
    }

    /** Port of the server, 1 to 65535. Default 5432. */
    public Builder port(int value) {
      port = Checks.inRange("port", value, 1, 65_535);
      return this;
    }

    /** Name of the database, at most 63 bytes. Required. */
    public Builder database(String value) {
      database = Checks.text("database", value, 63);
      return this;
    }

    /**
     * Role to connect as, at most 63 bytes; needs CONNECT on the database and SELECT on what the
     * models read. Required.
     */
    public Builder user(String value) {
      user = Checks.text("user", value, 63);
      return this;
    }

    /** Password of the role. Default: none. */
    public Builder password(Secret value) {
      password = Objects.requireNonNull(value, "password");
      return this;
    }

    /**
     * The certificate (PEM) that the server's is verified with. Default: the trust store of the
     * JVM.
     */
    public Builder tlsRootCertificate(Path file) {
      tlsRootCertificate = Objects.requireNonNull(file, "file");
      return this;
    }

    /**
     * Encrypts with less than full verification; whoever can place himself between can read and
     * change everything.
     *
     * @param value {@link Tls#VERIFY_CA} or {@link Tls#UNVERIFIED}
     */
    public Builder insecureTls(Tls value) {
      Objects.requireNonNull(value, "tls");
      if (value != Tls.VERIFY_CA && value != Tls.UNVERIFIED) {
        throw new IllegalArgumentException(
            "insecureTls must be VERIFY_CA or UNVERIFIED, is " + value);
      }
      tls = value;
      return this;
    }

    /** Sends password and rows unencrypted, for a server on this machine or behind a tunnel. */
    public Builder withoutTls() {
      tls = Tls.OFF;
      return this;
    }

    /** Bound on making a connection, TLS and log-in included, 100 ms to 10 min. Default 10 s. */
    public Builder connectTimeout(Duration value) {
      connectTimeout =
          Checks.inRange("connectTimeout", value, Duration.ofMillis(100), Duration.ofMinutes(10));
      return this;
    }

    /**
     * Longest silence of the server while an answer is awaited, 1 s to 24 h; then the connection
     * counts as dead. Must be longer than the model needs to its first row. Default 5 min.
     */
    public Builder socketTimeout(Duration value) {
      socketTimeout =
          Checks.inRange("socketTimeout", value, Duration.ofSeconds(1), Duration.ofHours(24));
      return this;
    }

    /**
     * PostgreSQL's {@code statement_timeout} for what is run here, 100 ms to 7 days, or zero to
     * keep what the role or database has. Default 1 h.
     */
    public Builder statementTimeout(Duration value) {
      statementTimeout =
          Objects.requireNonNull(value, "statementTimeout").isZero()
              ? value
              : Checks.inRange(
                  "statementTimeout", value, Duration.ofMillis(100), Duration.ofDays(7));
      return this;
    }

    /** PostgreSQL's {@code lock_timeout} for what is run here, 100 ms to 1 h. Default 30 s. */
    public Builder lockTimeout(Duration value) {
      lockTimeout =
          Checks.inRange("lockTimeout", value, Duration.ofMillis(100), Duration.ofHours(1));
      return this;
    }

    /** Most connections of the engine, 1 to 100; each run that reads takes one. Default 4. */
    public Builder poolSize(int value) {
      poolSize = Checks.inRange("poolSize", value, 1, 100);
      return this;
    }

    /**
     * Makes the sockets of all connections, those of cancel requests included: the hook through
     * which a tunnel, or anything else that dials by itself, stands between driver and network. Its
     * sockets get the host name unresolved if this machine cannot resolve it. Default: plain
     * sockets.
     */
    public Builder socketFactory(SocketFactory value) {
      socketFactory = Objects.requireNonNull(value, "socketFactory");
      return this;
    }

    /**
     * The source.
     *
     * @throws IllegalStateException if host, database or user are missing, or a certificate is
     *     given without TLS
     */
    public Source build() {
      for (String[] required :
          new String[][] {{"host", host}, {"database", database}, {"user", user}}) {
        if (required[1].isEmpty()) {
          throw new IllegalStateException(required[0] + "(...) is missing");
        }
      }
      if (tls == Tls.OFF && tlsRootCertificate != null) {
        throw new IllegalStateException(
            "tlsRootCertificate(...) and withoutTls() exclude each other");
      }
      return new Source(null, copy());
    }
  }
}
