package io.fulmar;

import io.fulmar.internal.http.EndpointCheck;
import io.fulmar.internal.http.HttpTarget;
import io.fulmar.internal.http.HttpTarget.Header;
import io.fulmar.internal.http.HttpTarget.Reach;
import io.fulmar.internal.http.HttpTarget.Request;
import io.fulmar.internal.http.HttpTarget.Rows;
import io.fulmar.internal.http.HttpWriter;
import io.fulmar.internal.http.OwnClient;
import io.fulmar.internal.http.UriTemplate;
import io.fulmar.internal.json.RowJson;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP API that takes JSON, one record or a batch in each request. Immutable and threadsafe;
 * connections are kept and shared by all lanes. Needs jackson-core, 2.18 or later, which Fulmar
 * does not bring.
 *
 * <pre>{@code
 * Destination contacts = HttpDestination.builder(URI.create("https://api.example.com/v2"))
 *     .request(Action.UPSERT, "PUT", "contacts/{id}")
 *     .request(Action.DELETE, "DELETE", "contacts/{id}")
 *     .bearerToken(Secret.ofEnv("API_TOKEN"))
 *     .build();
 * }</pre>
 *
 * <p>The body is the row as an object, written as {@link JsonLinesDestination} writes it; a DELETE
 * of one record has none. With {@link Builder#batchesOf} it is an array of rows. Every request
 * carries an idempotency key: the change id, or for several changes a hash of theirs.
 *
 * <table>
 * <caption>What a status says, unless {@link Builder#outcome} says otherwise</caption>
 * <tr><th>status</th><th>outcome</th></tr>
 * <tr><td>2xx</td><td>{@link Outcome#READ} with an {@link AnswerReader}, else accepted</td></tr>
 * <tr><td>404, 410 where the path names the key</td><td>DELETE and CLEAR accepted, UPDATE skipped, else
 * rejected</td></tr>
 * <tr><td>425, 429, 503</td><td>not applied; again after {@code Retry-After}</td></tr>
 * <tr><td>3xx, 401, 403, 405, 407, 415, 501, 505, other 404 and 410</td><td>the run stops</td></tr>
 * <tr><td>other 4xx</td><td>rejected as {@code HTTP_422}; several rows are halved first</td></tr>
 * <tr><td>408, other 5xx, no answer in time</td><td>unknown: sent again under the same key</td></tr>
 * </table>
 *
 * <p>A refused connection, or a TLS handshake that fails, is not applied; a certificate that is not
 * trusted stops the run. Redirects are not followed. Addresses that are not of the public internet
 * (private, loopback, link-local, multicast and so on, also within IPv6 addresses that carry them)
 * are refused before each request, unless {@link Builder#allowPrivateAddresses} was called. The
 * client resolves the name again when it connects: the JVM keeps names for 30 seconds ({@code
 * networkaddress.cache.ttl}), which leaves little room for a name that changes in between, and none
 * is left only where a firewall closes it; a hook for resolvers exists from JDK 18 on, and Fulmar
 * runs on 17. No compression is asked for, and an encoded answer is not read.
 */
public final class HttpDestination implements Destination {
  private final HttpTarget target;
  private final Capabilities capabilities;

  private HttpDestination(HttpTarget target, Capabilities capabilities) {
    this.target = target;
    this.capabilities = capabilities;
  }

  /** What the status of an answer says of the changes that were sent. */
  public enum Outcome {
    /** They are accepted. */
    ACCEPTED,
    /** The {@link AnswerReader} says; without one they are accepted. */
    READ,
    /** There is nothing to do for these versions. */
    SKIPPED,
    /** They are refused; several are halved, to find the bad ones. */
    REJECTED,
    /** Nothing was applied, and later may help. */
    RETRY,
    /** Nothing was applied, and the run goes no further. */
    STOP,
    /** Perhaps they were applied. */
    UNKNOWN
  }

  /**
   * What a server answered.
   *
   * @param status the status
   * @param headers the headers; names in any case
   * @param body the body as UTF-8
   */
  public record Answer(int status, Map<String, List<String>> headers, String body) {
    /** Checks that all parts are there. */
    public Answer {
      Objects.requireNonNull(headers, "headers");
      headers.forEach(
          (name, values) -> {
            Objects.requireNonNull(name, "headers");
            Objects.requireNonNull(values, "headers");
          });
      Objects.requireNonNull(body, "body");
    }

    /** Names the status; what else was answered may hold values of rows. */
    @Override
    public String toString() {
      return "Answer[status=" + status + "]";
    }
  }

  /** Makes verdicts of answers. {@link JsonVerdicts} does for the most. */
  @FunctionalInterface
  public interface AnswerReader {
    /**
     * Reads the answer to a request. Called by several threads at once.
     *
     * @param batch what was sent
     * @param answer what was answered
     * @return the verdicts; what it does not name is unknown
     * @throws Exception as out of {@link Writer#write}: above all, any exception but the three that
     *     have a meaning there makes the batch unknown
     */
    Delivery read(Batch batch, Answer answer) throws Exception;
  }

  /**
   * Begins a destination.
   *
   * @param base where all requests lead: scheme, host and a path or none
   * @throws IllegalArgumentException if it is no such URI
   */
  public static Builder builder(URI base) {
    return new Builder(Objects.requireNonNull(base, "base"));
  }

  /** {@code "http"}. */
  @Override
  public String type() {
    return "http";
  }

  /** {@code "http:host:port/path"}, or {@link Builder#identity}. */
  @Override
  public String identity() {
    return target.identity();
  }

  /** The actions that have a request; for the rest see {@link Builder}. */
  @Override
  public Capabilities capabilities() {
    return capabilities;
  }

  /** A writer that sends over connections which all writers share. */
  @Override
  public Writer open(RunContext run) {
    return new HttpWriter(target, Objects.requireNonNull(run, "run"));
  }

  /** Sends the request of {@link Builder#clear}. */
  @Override
  public void clear(RunContext run) throws Exception {
    try (HttpWriter writer = new HttpWriter(target, Objects.requireNonNull(run, "run"))) {
      writer.clear();
    }
  }

  /**
   * Looks whether secrets can be read, the name has addresses that may be called, and a connection
   * comes about, with TLS if that is asked for; and whether the paths name columns of the key. No
   * request is sent.
   */
  @Override
  public void check(CheckContext context, CheckSteps steps) {
    EndpointCheck.of(target)
        .check(Objects.requireNonNull(context, "context"), Objects.requireNonNull(steps, "steps"));
  }

  /** Names the destination, without secrets. */
  @Override
  public String toString() {
    return OneLine.of("HttpDestination[" + target.identity() + "]");
  }

  /** Collects the settings of a destination. Not threadsafe. */
  public static final class Builder {
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}");
    private static final Pattern VALUE = Pattern.compile("[\\x20-\\x7e\\t]*");
    private static final Set<String> WITHOUT_EFFECT =
        Set.of("GET", "HEAD", "OPTIONS", "TRACE", "CONNECT");

    /** Headers that the client of the JDK makes itself, or whose meaning is settled here. */
    private static final Set<String> NOT_SET =
        Set.of(
            "accept-encoding",
            "connection",
            "content-length",
            "expect",
            "host",
            "transfer-encoding",
            "upgrade");

    private final URI base;
    private final Capabilities.Builder capabilities = Capabilities.builder().maxRows(1);
    private final Map<Action, Request> requests = new EnumMap<>(Action.class);
    private @Nullable Request clear;
    private final List<Header> headers = new ArrayList<>();
    private final Map<Integer, Outcome> outcomes = new HashMap<>();
    private final Set<String> jsonColumns = new HashSet<>();
    private Rows rows = Rows.ONE;
    private JsonNumbers numbers = JsonNumbers.EXACT;
    private @Nullable String member;
    private @Nullable String changeIdMember;
    private @Nullable String sequenceMember;
    private @Nullable String idempotencyHeader = "Idempotency-Key";
    private @Nullable AnswerReader reader;
    private @Nullable Duration requestTimeout;
    private @Nullable Duration connectTimeout;
    private long maxRequestBytes = 16L << 20;
    private long maxAnswerBytes = 1L << 20;
    private @Nullable String identity;
    private Reach reach = Reach.PUBLIC;
    private boolean plain;
    private @Nullable HttpClient client;

    private Builder(URI base) {
      String scheme = String.valueOf(base.getScheme()).toLowerCase(Locale.ROOT);
      if (base.getHost() == null || !(scheme.equals("https") || scheme.equals("http"))) {
        throw new IllegalArgumentException("base must be an https URI with a host");
      }
      if (base.getRawUserInfo() != null
          || base.getRawQuery() != null
          || base.getRawFragment() != null) {
        throw new IllegalArgumentException(
            "base must have no user, query or fragment: secrets go into headers");
      }
      this.base = base;
    }

    /**
     * What an action asks for. At least one is required.
     *
     * @param action the action
     * @param method {@code "POST"}, {@code "PUT"}, {@code "PATCH"}, {@code "DELETE"} ...
     * @param path below {@code base}; columns of the key stand in braces, {@code "contacts/{id}"},
     *     and are percent-encoded. A key whose column is NULL, empty, {@code "."} or {@code ".."}
     *     has no path and is rejected as {@link FailureCodes#VALUE_WITHOUT_FORM}
     * @throws IllegalArgumentException if the method has no effect, or the path is none
     */
    public Builder request(Action action, String method, String path) {
      requests.put(Objects.requireNonNull(action, "action"), request(method, path));
      return this;
    }

    /**
     * The request that empties the destination, for {@link SyncEngine#clearAndFill}; it has no
     * body. Default: it cannot be cleared.
     *
     * @param method as in {@link #request}
     * @param path below {@code base}, without columns
     */
    public Builder clear(String method, String path) {
      Request request = request(method, path);
      if (!request.uri().columns().isEmpty()) {
        throw new IllegalArgumentException("path must not name a column");
      }
      clear = request;
      return this;
    }

    private Request request(String method, String path) {
      Objects.requireNonNull(method, "method");
      Objects.requireNonNull(path, "path");
      if (!TOKEN.matcher(method).matches()
          || WITHOUT_EFFECT.contains(method.toUpperCase(Locale.ROOT))) {
        throw new IllegalArgumentException("method must be one that changes something");
      }
      return new Request(method, UriTemplate.of(base, path));
    }

    /**
     * A header of every request; replaces one that would be sent otherwise. Default: {@code Accept}
     * and {@code Content-Type: application/json}, and {@code User-Agent: fulmar}.
     *
     * @param name its name
     * @param value its value: visible ASCII, blanks and tabs
     * @throws IllegalArgumentException if one of them cannot be
     */
    public Builder header(String name, String value) {
      if (!VALUE.matcher(Objects.requireNonNull(value, "value")).matches()) {
        throw new IllegalArgumentException(
            "value must be of visible ASCII, blanks and tabs, without line breaks");
      }
      return header(name, Secret.of(value));
    }

    /**
     * A header that is a secret, asked for at each request.
     *
     * @param name its name
     * @param value its value; one that no header can have stops the run
     */
    public Builder header(String name, Secret value) {
      Objects.requireNonNull(value, "value");
      headers.add(new Header(headerName(name), "", value));
      return this;
    }

    /** A token, asked for at each request: {@code Authorization: Bearer ...} (RFC 6750). */
    public Builder bearerToken(Secret token) {
      headers.add(new Header("Authorization", "Bearer ", Objects.requireNonNull(token, "token")));
      return this;
    }

    private static String headerName(String name) {
      Objects.requireNonNull(name, "name");
      if (!TOKEN.matcher(name).matches() || NOT_SET.contains(name.toLowerCase(Locale.ROOT))) {
        throw new IllegalArgumentException("name must be that of a header which can be set");
      }
      return name;
    }

    /**
     * Sends several rows in one request, as an array; then no path may name a column.
     *
     * @param most most rows in a request, 1 to 100,000; {@link Sync.Builder#batchRows} counts too.
     *     Default: one row in each request, as an object
     */
    public Builder batchesOf(int most) {
      capabilities.maxRows(Checks.inRange("batchesOf", most, 1, 100_000));
      rows = Rows.ALL;
      return this;
    }

    /**
     * Puts the array of a batch into an object: {@code {"records": [...]}}. Default: the array
     * alone. Only with {@link #batchesOf}.
     */
    public Builder arrayMember(String name) {
      member = Checks.column("arrayMember", name);
      return this;
    }

    /** Adds {@link Change#changeId} to each row, as this member. Default: it is a header alone. */
    public Builder changeIdMember(String name) {
      changeIdMember = Checks.column("changeIdMember", name);
      return this;
    }

    /** Adds {@link Change#sequence} to each row, as this member. Default: it is not sent. */
    public Builder sequenceMember(String name) {
      sequenceMember = Checks.column("sequenceMember", name);
      return this;
    }

    /** How numbers are written. Default {@link JsonNumbers#EXACT}. */
    public Builder numbers(JsonNumbers value) {
      numbers = Objects.requireNonNull(value, "numbers");
      return this;
    }

    /**
     * Columns whose text is JSON ({@code json}, {@code jsonb}) and goes into the body as such. May
     * be called several times. Default: none.
     */
    public Builder jsonColumns(String... columns) {
      for (String column : Objects.requireNonNull(columns, "jsonColumns")) {
        jsonColumns.add(Checks.column("jsonColumns", column));
      }
      return this;
    }

    /** The header with the idempotency key. Default {@code Idempotency-Key}. */
    public Builder idempotencyHeader(String name) {
      idempotencyHeader = headerName(name);
      return this;
    }

    /** Sends no idempotency key. Default: it is sent. */
    public Builder withoutIdempotencyHeader() {
      idempotencyHeader = null;
      return this;
    }

    /**
     * What a status says, where the table of {@link HttpDestination} is wrong. May be called for
     * several.
     *
     * @param status 200 to 599
     * @param outcome what it says
     */
    public Builder outcome(int status, Outcome outcome) {
      Objects.requireNonNull(outcome, "outcome");
      outcomes.put(Checks.inRange("status", status, 200, 599), outcome);
      return this;
    }

    /** Makes verdicts of answers whose status says {@link Outcome#READ}. Default: none. */
    public Builder verdicts(AnswerReader value) {
      reader = Objects.requireNonNull(value, "verdicts");
      return this;
    }

    /**
     * How long a request may take, to the last byte of its answer: 1 ms to 1 h. Default, and the
     * most: four fifths of {@link Sync.Builder#callDeadline}.
     */
    public Builder requestTimeout(Duration value) {
      requestTimeout =
          Checks.inRange("requestTimeout", value, Duration.ofMillis(1), Duration.ofHours(1));
      return this;
    }

    /** How long a connection may take to come about, 1 ms to 10 min. Default 10 s. */
    public Builder connectTimeout(Duration value) {
      connectTimeout =
          Checks.inRange("connectTimeout", value, Duration.ofMillis(1), Duration.ofMinutes(10));
      return this;
    }

    /**
     * The longest body that is sent, 1 to 2,147,483,647 bytes: a batch is halved, a row rejected as
     * {@link FailureCodes#ROW_TOO_LARGE}. Default 16 MiB (16,777,216).
     */
    public Builder maxRequestBytes(long bytes) {
      maxRequestBytes = Checks.inRange("maxRequestBytes", bytes, 1, Integer.MAX_VALUE);
      return this;
    }

    /**
     * How much of an answer is read, 0 to 2,147,483,647 bytes; the connection is closed then, and
     * an {@link AnswerReader} does not get it. Default 1 MiB (1,048,576).
     */
    public Builder maxAnswerBytes(long bytes) {
      maxAnswerBytes = Checks.inRange("maxAnswerBytes", bytes, 0, Integer.MAX_VALUE);
      return this;
    }

    /** Most requests at once, 1 to 256; {@link Sync.Builder#lanes} counts too. Default 4. */
    public Builder concurrency(int requestsAtOnce) {
      capabilities.concurrency(requestsAtOnce);
      return this;
    }

    /**
     * At most so many requests in a time. Default: no limit.
     *
     * @param calls 1 or more
     * @param per 1 ms to 365 days
     */
    public Builder rate(int calls, Duration per) {
      capabilities.rate(calls, per);
      return this;
    }

    /**
     * What {@link Destination#identity} says. Default: {@code http:} with host, port and path of
     * the base.
     */
    public Builder identity(String value) {
      if (Objects.requireNonNull(value, "identity").isBlank()) {
        throw new IllegalArgumentException("identity must not be blank");
      }
      identity = value;
      return this;
    }

    /** Calls addresses that are not of the public internet, too. Default: they are refused. */
    public Builder allowPrivateAddresses() {
      reach = Reach.ANY;
      return this;
    }

    /** Takes a base that begins with {@code http:}. Default: it is refused. */
    public Builder allowPlainHttp() {
      plain = true;
      return this;
    }

    /**
     * The client to send with, for a proxy, or certificates of your own; not closed. It must not
     * follow redirects, and its connect time-out is its own. Behind a proxy it is the proxy that
     * resolves names, so addresses are not looked at here. Default: one of this destination, which
     * trusts what the JVM trusts and uses no proxy.
     *
     * @throws IllegalArgumentException if it follows redirects
     */
    public Builder client(HttpClient value) {
      if (Objects.requireNonNull(value, "client").followRedirects() != HttpClient.Redirect.NEVER) {
        throw new IllegalArgumentException("client must not follow redirects");
      }
      client = value;
      return this;
    }

    /**
     * The destination.
     *
     * @throws IllegalStateException if no request was given, the base is not https, or settings
     *     exclude each other
     * @throws ConfigurationException if jackson-core is missing
     */
    public HttpDestination build() {
      if (requests.isEmpty()) {
        throw new IllegalStateException("request(...) is missing");
      }
      if (!plain && !String.valueOf(base.getScheme()).equalsIgnoreCase("https")) {
        throw new IllegalStateException("the base is not https: call allowPlainHttp()");
      }
      if (rows == Rows.ONE && member != null) {
        throw new IllegalStateException("arrayMember(...) needs batchesOf(...)");
      }
      if (changeIdMember != null && changeIdMember.equals(sequenceMember)) {
        throw new IllegalStateException("changeIdMember(...) and sequenceMember(...) are equal");
      }
      if (client != null && connectTimeout != null) {
        throw new IllegalStateException("client(...) and connectTimeout(...) exclude each other");
      }
      for (Request request : requests.values()) {
        if (rows == Rows.ALL && !request.uri().columns().isEmpty()) {
          throw new IllegalStateException(
              "batchesOf(...) and columns in a path exclude each other");
        }
      }
      RowJson.requireJackson("an HTTP destination");
      capabilities.actions(requests.keySet());
      if (clear != null) {
        capabilities.canClear();
      }
      return new HttpDestination(
          new HttpTarget(
              identity == null ? identityOf(base) : identity,
              base,
              new EnumMap<>(requests),
              clear,
              List.copyOf(headers),
              new HttpTarget.Body(
                  rows, new RowJson(numbers, jsonColumns), member, changeIdMember, sequenceMember),
              idempotencyHeader,
              Map.copyOf(outcomes),
              reader,
              requestTimeout,
              maxRequestBytes,
              maxAnswerBytes,
              reach,
              clients()),
          capabilities.build());
    }

    private Supplier<HttpClient> clients() {
      HttpClient given = client;
      return given != null
          ? () -> given
          : new OwnClient(
              connectTimeout == null ? Duration.ofSeconds(10) : connectTimeout,
              String.valueOf(base.getScheme()).equalsIgnoreCase("http")
                  ? HttpClient.Version.HTTP_1_1
                  : HttpClient.Version.HTTP_2);
    }

    private static String identityOf(URI base) {
      String path = base.getRawPath();
      return "http:"
          + base.getRawAuthority()
          + (path.endsWith("/") ? path.substring(0, path.length() - 1) : path);
    }
  }
}
