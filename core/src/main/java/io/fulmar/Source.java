package io.fulmar;

import io.fulmar.internal.postgres.RoleSql;
import io.fulmar.spi.Tunnel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

  /** Which of several servers is wanted; asked of each server after the log-in. */
  public enum TargetServer {
    /** Whichever answers first, in the order given. The default. */
    ANY,
    /** One that takes writes. */
    PRIMARY,
    /** A hot standby, or one that takes no writes. */
    STANDBY,
    /** A primary; if there is none, a standby. */
    PREFER_PRIMARY,
    /** A standby; if there is none, the primary. */
    PREFER_STANDBY
  }

  /** Begins with port 5432, verified TLS, and the timeouts that the setters name. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Begins with what a JDBC URL of pgjdbc says; setters complete it and may change it. The URL is
   * taken apart and never given to the driver. A password in it becomes a {@link Secret}.
   * Properties that have a setter here are taken over ({@code user}, {@code password}, {@code
   * sslrootcert}, {@code sslcert}, {@code sslkey}, {@code sslpassword}, {@code connectTimeout},
   * {@code socketTimeout}, {@code targetServerType}, {@code currentSchema} ...). Those that would
   * load classes, write files, weaken the encryption or change what a run relies on are refused.
   *
   * <pre>{@code
   * Source source = Source.builder("jdbc:postgresql://db.internal/shop?user=fulmar")
   *     .password(Secret.ofEnv("PGPASSWORD"))
   *     .build();
   * }</pre>
   *
   * @param jdbcUrl {@code jdbc:postgresql://host:port,host:port/database?property=value&...}
   * @throws IllegalArgumentException if it is no such URL, or has a property that is refused; the
   *     message names the property, the reason and what to call instead, and shows no value
   */
  public static Builder builder(String jdbcUrl) {
    Builder builder = new Builder();
    JdbcUrl.options(Objects.requireNonNull(jdbcUrl, "jdbcUrl"))
        .forEach((name, value) -> SourceOptions.set(builder, name, value));
    return builder;
  }

  /**
   * A source from texts, as configuration files have them. The names are those of the setters:
   * {@code host}, {@code port}, {@code connectTimeout} and so on, and {@code url} for {@link
   * #builder(String)}, which the others complete. Durations are written {@code 500ms}, {@code 10s},
   * {@code 5min}, {@code 6h}, {@code 7d} or {@code PT10S}; lists ({@code hosts}, {@code
   * searchPath}) with commas; what has no argument ({@code withoutTls}) is {@code true} or {@code
   * false}.
   *
   * @param options values by name
   * @throws IllegalArgumentException if a name is unknown (the message names the nearest), or a
   *     value is none for its option; no value is shown
   * @throws IllegalStateException as {@link Builder#build} throws it
   */
  public static Source of(Map<String, String> options) {
    return SourceOptions.source(options);
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
   * @param timeouts its statement and lock timeout, search path and plan deadline are used, the
   *     rest is the data source's own matter
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

  /** See {@link Builder#host}; the first of several. */
  public String host() {
    return settings.servers().get(0).host();
  }

  /** See {@link Builder#port}; that of the first of several hosts. */
  public int port() {
    return settings.servers().get(0).port();
  }

  /** See {@link Builder#hosts}: each as {@code host:port}, IPv6 addresses in brackets. */
  public List<String> hosts() {
    return settings.servers().stream().map(HostAndPort::toString).toList();
  }

  /** See {@link Builder#targetServer}. */
  public TargetServer targetServer() {
    return settings.targetServer;
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

  /** See {@link Builder#tlsClientCertificate}; null for none. */
  public @Nullable Path tlsClientCertificate() {
    return settings.tlsClientCertificate;
  }

  /** See {@link Builder#tlsClientKey}; null for none. */
  public @Nullable Path tlsClientKey() {
    return settings.tlsClientKey;
  }

  /** See {@link Builder#tlsKeyPassword}; null for none. */
  public @Nullable Secret tlsKeyPassword() {
    return settings.tlsKeyPassword;
  }

  /** See {@link Builder#allowWeakAuthentication}. */
  public boolean allowsWeakAuthentication() {
    return settings.allowWeakAuthentication;
  }

  /** See {@link Builder#requireChannelBinding}. */
  public boolean requiresChannelBinding() {
    return settings.requireChannelBinding;
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

  /** See {@link Builder#planDeadline}. */
  public Duration planDeadline() {
    return settings.planDeadline;
  }

  /** See {@link Builder#searchPath}; empty for that of the role. */
  public List<String> searchPath() {
    return settings.searchPath;
  }

  /** See {@link Builder#poolSize}. */
  public int poolSize() {
    return settings.poolSize;
  }

  /** See {@link Builder#socketFactory}; null for plain sockets. */
  public @Nullable SocketFactory socketFactory() {
    return settings.socketFactory;
  }

  /** See {@link Builder#tunnel}; null for none. */
  public @Nullable Tunnel tunnel() {
    return settings.tunnel;
  }

  /** Where it is, without secrets: {@code postgresql://host:port/database}. */
  @Override
  public String toString() {
    return dataSource != null
        ? "Source[data source of the application]"
        : OneLine.of("Source[postgresql://" + String.join(",", hosts()) + "/" + database() + "]");
  }

  /** Collects the settings of a source. Not threadsafe. */
  public static final class Builder {
    private String host = "";
    private int port = HostAndPort.DEFAULT_PORT;
    private List<HostAndPort> several = List.of();
    private TargetServer targetServer = TargetServer.ANY;
    private String database = "";
    private String user = "";
    private @Nullable Secret password;
    private Tls tls = Tls.VERIFY_FULL;
    private @Nullable Path tlsRootCertificate;
    private @Nullable Path tlsClientCertificate;
    private @Nullable Path tlsClientKey;
    private @Nullable Secret tlsKeyPassword;
    private boolean allowWeakAuthentication;
    private boolean requireChannelBinding;
    private Duration connectTimeout = Duration.ofSeconds(10);
    private Duration socketTimeout = Duration.ofMinutes(5);
    private Duration statementTimeout = Duration.ofHours(1);
    private Duration lockTimeout = Duration.ofSeconds(30);
    private Duration planDeadline = Duration.ofHours(6);
    private List<String> searchPath = List.of();
    private int poolSize = 4;
    private @Nullable SocketFactory socketFactory;
    private @Nullable Tunnel tunnel;

    private Builder() {}

    private Builder copy() {
      Builder copy = new Builder();
      copy.host = host;
      copy.port = port;
      copy.several = several;
      copy.targetServer = targetServer;
      copy.database = database;
      copy.user = user;
      copy.password = password;
      copy.tls = tls;
      copy.tlsRootCertificate = tlsRootCertificate;
      copy.tlsClientCertificate = tlsClientCertificate;
      copy.tlsClientKey = tlsClientKey;
      copy.tlsKeyPassword = tlsKeyPassword;
      copy.allowWeakAuthentication = allowWeakAuthentication;
      copy.requireChannelBinding = requireChannelBinding;
      copy.connectTimeout = connectTimeout;
      copy.socketTimeout = socketTimeout;
      copy.statementTimeout = statementTimeout;
      copy.lockTimeout = lockTimeout;
      copy.planDeadline = planDeadline;
      copy.searchPath = searchPath;
      copy.poolSize = poolSize;
      copy.socketFactory = socketFactory;
      copy.tunnel = tunnel;
      return copy;
    }

    /** The servers, in the order in which they are tried; at least one. */
    private List<HostAndPort> servers() {
      return several.isEmpty() ? List.of(new HostAndPort(host, port)) : several;
    }

    /**
     * Host name or address of the server, at most 253 bytes; an IPv6 address with or without
     * brackets. Takes the place of what {@link #hosts} said. Required, unless there are several.
     */
    public Builder host(String value) {
      host = HostAndPort.host("host", value);
      several = List.of();
      return this;
    }

    /** Port of the server that {@link #host} names, 1 to 65535. Default 5432. */
    public Builder port(int value) {
      port = Checks.inRange("port", value, 1, 65_535);
      return this;
    }

    /**
     * Several servers, of which the first that answers and is what {@link #targetServer} wants is
     * used; they are tried in this order at each new connection, so that the right one is found
     * again after a switch-over. The log-in of one that answers and is not wanted counts towards
     * the {@link #connectTimeout}. Takes the place of what {@link #host} and {@link #port} said.
     *
     * @param first a name or address, with its port unless that is 5432: {@code db1}, {@code
     *     db1:5433}, {@code 10.0.0.7}, {@code [2001:db8::7]:5432}
     * @param more further ones
     */
    public Builder hosts(String first, String... more) {
      Objects.requireNonNull(more, "more");
      List<HostAndPort> servers = new ArrayList<>();
      servers.add(HostAndPort.parse("first", first));
      for (String each : more) {
        servers.add(HostAndPort.parse("more", each));
      }
      several = List.copyOf(servers);
      return this;
    }

    /**
     * Which of the servers is wanted, primary or standby. A source that goes from one to the other
     * between two runs does not lose changes: a run on a standby that is behind what an earlier run
     * saw is held. Default {@link TargetServer#ANY}.
     */
    public Builder targetServer(TargetServer value) {
      targetServer = Objects.requireNonNull(value, "targetServer");
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

    /**
     * Password of the role; a supplier is asked at each new connection. Default: none.
     *
     * <p>A server whose certificate is not fully verified gets no password, nor anything that one
     * could be guessed from: it must prove by SCRAM that it knows the password too. See {@link
     * #allowWeakAuthentication}.
     */
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
     * The certificate (PEM or DER) that this side shows, with those that signed it after it, for
     * servers that ask for one ({@code cert} or {@code clientcert} in {@code pg_hba.conf}). Read at
     * each new connection, so a renewed one is found. Default: none.
     */
    public Builder tlsClientCertificate(Path file) {
      tlsClientCertificate = Objects.requireNonNull(file, "file");
      return this;
    }

    /**
     * The private key of the client certificate: PKCS#8 or RSA's PKCS#1 in PEM, PKCS#8 in DER,
     * encrypted or not; or, without {@link #tlsClientCertificate}, a PKCS#12 file that holds both.
     * Read at each new connection. Default: none.
     */
    public Builder tlsClientKey(Path file) {
      tlsClientKey = Objects.requireNonNull(file, "file");
      return this;
    }

    /** What the private key or PKCS#12 file is encrypted with. Default: it is not. */
    public Builder tlsKeyPassword(Secret value) {
      tlsKeyPassword = Objects.requireNonNull(value, "tlsKeyPassword");
      return this;
    }

    /**
     * Lets a server whose certificate is not fully verified ask for the password in clear or as
     * MD5, or for nothing at all: whoever can place himself between then gets the password, or is
     * taken for the server. Default: such a server must prove by SCRAM-SHA-256 that it knows the
     * password. Makes no difference where the certificate is fully verified, or without a password.
     */
    public Builder allowWeakAuthentication() {
      allowWeakAuthentication = true;
      return this;
    }

    /**
     * Insists on channel binding (RFC 5929, {@code tls-server-end-point}): the server must prove by
     * SCRAM-SHA-256-PLUS that password and certificate belong together. Default: used where the
     * server offers it.
     */
    public Builder requireChannelBinding() {
      requireChannelBinding = true;
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

    /**
     * Bound on reading a model as a whole, 1 s to 30 days: connecting, waiting and reading, however
     * often it is begun again. A statement timeout bounds single statements alone. A run that takes
     * longer is FAILED, and nothing was sent. Default 6 h.
     */
    public Builder planDeadline(Duration value) {
      planDeadline =
          Checks.inRange("planDeadline", value, Duration.ofSeconds(1), Duration.ofDays(30));
      return this;
    }

    /**
     * Schemas in which a model's SQL finds names without one, in this order; temporary tables come
     * last. Set for each transaction alone. Default: the path of the role.
     *
     * @param first name of a schema, exactly as the database has it, at most 63 bytes; not {@code
     *     pg_catalog}, which always comes first, and not {@code pg_temp}, which always comes last
     * @param more further ones
     */
    public Builder searchPath(String first, String... more) {
      Objects.requireNonNull(more, "more");
      List<String> schemas = new ArrayList<>();
      schemas.add(schema("first", first));
      for (String each : more) {
        schemas.add(schema("more", each));
      }
      searchPath = List.copyOf(schemas);
      return this;
    }

    private static String schema(String what, String name) {
      Checks.text(what, name, 63);
      if (name.equals("pg_catalog") || name.equals("pg_temp")) {
        throw new IllegalArgumentException(
            what + " must not be " + name + ", which is there anyway");
      }
      return name;
    }

    /** Most connections of the engine, 1 to 100; each run that reads takes one. Default 4. */
    public Builder poolSize(int value) {
      poolSize = Checks.inRange("poolSize", value, 1, 100);
      return this;
    }

    /**
     * Makes the sockets of all connections, those of cancel requests included: the hook through
     * which anything that dials by itself stands between driver and network. Its sockets get the
     * host name unresolved if this machine cannot resolve it. Excludes {@link #tunnel}. Default:
     * plain sockets.
     */
    public Builder socketFactory(SocketFactory value) {
      socketFactory = Objects.requireNonNull(value, "socketFactory");
      return this;
    }

    /**
     * Makes all connections, those of cancel requests included, through a tunnel, for a database in
     * a private network: {@code SshTunnel.forward("bastion")...build()} of fulmar-tunnel. Host and
     * port are those that the far end of the tunnel dials, and the name that TLS verifies. Several
     * sources with the same tunnel share it; the last engine that uses it closes it. Excludes
     * {@link #socketFactory}. Default: none.
     */
    public Builder tunnel(Tunnel value) {
      tunnel = Objects.requireNonNull(value, "tunnel");
      return this;
    }

    /**
     * The source.
     *
     * @throws IllegalStateException if host, database or user are missing, or settings exclude each
     *     other: certificates without TLS, a certificate without its key, channel binding without
     *     TLS or password, a tunnel and a socket factory
     */
    public Source build() {
      require("host", servers().get(0).host());
      require("database", database);
      require("user", user);
      if (tls == Tls.OFF) {
        exclude(tlsRootCertificate != null, "tlsRootCertificate(...)", "withoutTls()");
        exclude(tlsClientKey != null, "tlsClientKey(...)", "withoutTls()");
        exclude(requireChannelBinding, "requireChannelBinding()", "withoutTls()");
      }
      exclude(tunnel != null && socketFactory != null, "tunnel(...)", "socketFactory(...)");
      if (tlsClientCertificate != null && tlsClientKey == null) {
        throw new IllegalStateException("tlsClientCertificate(...) needs tlsClientKey(...)");
      }
      if (tlsKeyPassword != null && tlsClientKey == null) {
        throw new IllegalStateException("tlsKeyPassword(...) needs tlsClientKey(...)");
      }
      if (requireChannelBinding && password == null) {
        throw new IllegalStateException("requireChannelBinding() needs password(...)");
      }
      return new Source(null, copy());
    }

    private static void require(String name, String value) {
      if (value.isEmpty()) {
        throw new IllegalStateException(name + "(...) is missing");
      }
    }

    private static void exclude(boolean both, String one, String other) {
      if (both) {
        throw new IllegalStateException(one + " and " + other + " exclude each other");
      }
    }
  }
}
