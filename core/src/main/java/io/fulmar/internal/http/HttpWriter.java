package io.fulmar.internal.http;

import com.fasterxml.jackson.core.JsonGenerator;
import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.FailureCodes;
import io.fulmar.HttpDestination.Answer;
import io.fulmar.HttpDestination.Outcome;
import io.fulmar.internal.http.HttpTarget.Header;
import io.fulmar.internal.http.HttpTarget.Request;
import io.fulmar.internal.http.HttpTarget.Rows;
import io.fulmar.internal.json.NoFormException;
import io.fulmar.spi.Batch;
import io.fulmar.spi.BatchRejectedException;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.NotAppliedException;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.StopRunException;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.ResponseInfo;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Makes one request of each batch, and verdicts of its answer. Used by one thread at a time. */
public final class HttpWriter implements Writer {
  private final HttpTarget target;
  private final Duration timeout;

  /** A writer for one lane of a run. */
  public HttpWriter(HttpTarget target, RunContext run) {
    this.target = target;
    Duration most = run.callDeadline().multipliedBy(4).dividedBy(5);
    Duration wanted = target.requestTimeout();
    this.timeout = wanted != null && wanted.compareTo(most) < 0 ? wanted : most;
  }

  @Override
  public Delivery write(Batch batch) throws Exception {
    Request request = target.requests().get(batch.action());
    if (request == null) {
      throw new StopRunException(
          "NO_REQUEST",
          "Cannot call %s: nothing was said of %s. Add request(Action.%2$s, ...)."
              .formatted(Endpoint.where(target.base()), batch.action()));
    }
    if (target.body().rows() == Rows.ONE && batch.size() > 1) {
      throw new BatchRejectedException("ONE_ROW", "a request takes one row");
    }
    Delivery.Builder refused = Delivery.acceptedExcept();
    List<Change> sent = new ArrayList<>(batch.size());
    byte[] body = null;
    if (target.body().rows() == Rows.ONE && request.method().equals("DELETE")) {
      sent.addAll(batch.changes()); // its URI says it all (RFC 9110, section 9.3.5)
    } else {
      body = body(batch, refused, sent);
    }
    if (sent.isEmpty()) {
      return refused.build();
    }
    if (body != null && body.length > target.maxRequestBytes()) {
      throw new BatchRejectedException(
          FailureCodes.ROW_TOO_LARGE, "the body would be longer than maxRequestBytes");
    }
    URI uri;
    try {
      uri = request.uri().expand(batch.changes().get(0).key());
    } catch (NoFormException e) {
      return refused
          .rejected(
              batch.changes().get(0),
              FailureCodes.VALUE_WITHOUT_FORM,
              String.valueOf(e.getMessage()))
          .build();
    }
    HttpRequest http = request(request.method(), uri, body, idempotencyKey(sent));
    Batch asked = sent.size() == batch.size() ? batch : new Batch(batch.action(), sent);
    Delivery delivery = delivery(asked, request, http);
    Delivery alone = refused.build();
    if (alone.answers().isEmpty()) {
      return delivery;
    }
    Delivery.Builder both =
        delivery.unnamed() == Delivery.Unnamed.ACCEPTED
            ? Delivery.acceptedExcept()
            : Delivery.builder();
    alone.answers().forEach(answer -> both.answer(answer.changeId(), answer.verdict()));
    delivery.answers().forEach(answer -> both.answer(answer.changeId(), answer.verdict()));
    return both.build();
  }

  /** Empties the destination. */
  public void clear() throws Exception {
    Request clear = target.clear();
    if (clear == null) {
      throw new UnsupportedOperationException("clear(...) was not set");
    }
    HttpRequest http = request(clear.method(), clear.uri().expand(null), null, null);
    Reply reply = send(http);
    switch (Statuses.outcome(target, Action.DELETE, clear, reply.status())) {
      case ACCEPTED, READ, SKIPPED -> {}
      case RETRY -> throw notApplied(reply);
      case STOP, REJECTED -> throw stop(reply);
      case UNKNOWN -> throw unknown(reply);
    }
  }

  /** The body; changes that have no form are told apart from those that are sent. */
  private byte[] body(Batch batch, Delivery.Builder refused, List<Change> sent)
      throws IOException, StopRunException {
    Bytes bytes = new Bytes();
    String member = target.body().member();
    if (target.body().rows() == Rows.ALL) {
      if (member != null) {
        Bytes quoted = new Bytes();
        try (JsonGenerator out = target.body().json().generator(quoted)) {
          out.writeString(member);
        }
        bytes.write('{');
        bytes.writeBytes(quoted.toByteArray());
        bytes.write(':');
      }
      bytes.write('[');
    }
    for (Change change : batch.changes()) {
      int start = bytes.size();
      if (!sent.isEmpty()) {
        bytes.write(',');
      }
      try {
        object(bytes, change);
        sent.add(change);
      } catch (NoFormException e) {
        bytes.cut(start);
        refused.rejected(change, FailureCodes.VALUE_WITHOUT_FORM, String.valueOf(e.getMessage()));
      }
    }
    if (target.body().rows() == Rows.ALL) {
      bytes.write(']');
      if (member != null) {
        bytes.write('}');
      }
    }
    return bytes.toByteArray();
  }

  private void object(Bytes bytes, Change change)
      throws IOException, NoFormException, StopRunException {
    HttpTarget.Body body = target.body();
    List<String> columns = change.row().columns();
    for (String member : Endpoint.members(target)) {
      if (columns.contains(member)) {
        throw new StopRunException(
            "CONFIGURATION",
            "Cannot write the body: %s is a column, too. Give changeIdMember(...) or sequenceMember(...) another name, or the column."
                .formatted(member));
      }
    }
    try (JsonGenerator out = body.json().generator(bytes)) {
      // Closed whatever happens, so it must not complete what failed.
      out.disable(JsonGenerator.Feature.AUTO_CLOSE_JSON_CONTENT);
      out.writeStartObject();
      if (body.changeId() != null) {
        out.writeFieldName(body.changeId());
        out.writeString(change.changeId());
      }
      if (body.sequence() != null) {
        out.writeFieldName(body.sequence());
        out.writeNumber(change.sequence());
      }
      body.json().writeMembers(out, change.row());
      out.writeEndObject();
    }
  }

  /** The change id, or for several a hash of theirs. */
  private static String idempotencyKey(List<Change> sent) {
    if (sent.size() == 1) {
      return sent.get(0).changeId();
    }
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Change change : sent) {
        digest.update(change.changeId().getBytes(StandardCharsets.UTF_8));
        digest.update((byte) '\n');
      }
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private HttpRequest request(
      String method, URI uri, byte @Nullable [] body, @Nullable String idempotencyKey)
      throws StopRunException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .method(
                method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body))
            .setHeader("Accept", "application/json")
            .setHeader("User-Agent", "fulmar");
    if (body != null) {
      request.setHeader("Content-Type", "application/json");
    }
    if (target.idempotencyHeader() != null && idempotencyKey != null) {
      request.setHeader(target.idempotencyHeader(), idempotencyKey);
    }
    for (Header header : target.headers()) {
      request.setHeader(header.name(), Endpoint.value(header));
    }
    return request.build();
  }

  private Delivery delivery(Batch batch, Request request, HttpRequest http) throws Exception {
    Reply reply = send(http);
    Outcome outcome = Statuses.outcome(target, batch.action(), request, reply.status());
    return switch (outcome) {
      case ACCEPTED -> Delivery.allAccepted();
      case READ -> read(batch, reply);
      case SKIPPED -> ofAll(batch, new Verdict.Skipped());
      case REJECTED -> {
        String message = "the server answered " + reply.status();
        if (batch.size() > 1) {
          throw new BatchRejectedException(reply.code(), message);
        }
        yield ofAll(batch, new Verdict.Rejected(reply.code(), message, Verdict.Retry.NEXT_RUN));
      }
      case RETRY -> throw notApplied(reply);
      case STOP -> throw stop(reply);
      case UNKNOWN -> throw unknown(reply);
    };
  }

  private static Delivery ofAll(Batch batch, Verdict verdict) {
    Delivery.Builder delivery = Delivery.builder();
    batch.changes().forEach(change -> delivery.answer(change.changeId(), verdict));
    return delivery.build();
  }

  private Delivery read(Batch batch, Reply reply) throws Exception {
    if (target.reader() == null) {
      return Delivery.allAccepted();
    }
    if (reply.failure() != null) {
      throw reply.failure();
    }
    String encoding = reply.headers().firstValue("Content-Encoding").orElse("identity");
    if (!encoding.equalsIgnoreCase("identity")) {
      // None was asked for, and what it unpacks to has no bound.
      throw new IOException("the answer is encoded, which was not asked for");
    }
    return target
        .reader()
        .read(
            batch,
            new Answer(
                reply.status(),
                reply.headers().map(),
                new String(reply.body(), StandardCharsets.UTF_8)));
  }

  private Exception notApplied(Reply reply) {
    Duration wait = RetryAfter.of(reply.headers(), Instant.now());
    String message =
        "Cannot call %s: the server answered %s"
            .formatted(Endpoint.where(target.base()), reply.status());
    return wait == null
        ? new NotAppliedException(message, (Throwable) null)
        : new NotAppliedException(message, wait);
  }

  private StopRunException stop(Reply reply) {
    return new StopRunException(
        reply.code(),
        "Cannot call %s: the server answered %s. %s."
            .formatted(
                Endpoint.where(target.base()), reply.status(), Statuses.remedy(reply.status())));
  }

  private static IOException unknown(Reply reply) {
    return new IOException("the server answered " + reply.status());
  }

  /**
   * An answer.
   *
   * @param status of it
   * @param headers of it
   * @param body what was read of it
   * @param failure why not all of the body is there; null if it is
   */
  private record Reply(
      int status, HttpHeaders headers, byte[] body, @Nullable IOException failure) {
    String code() {
      return "HTTP_" + status;
    }
  }

  /** Sends, and waits for the whole answer no longer than the time-out. */
  private Reply send(HttpRequest request) throws Exception {
    HttpClient client = target.client().get();
    if (!Endpoint.isProxied(client, request.uri())) {
      Endpoint.addresses(request.uri(), target.reach());
    }
    BoundedBody body = new BoundedBody(target.maxAnswerBytes());
    CompletableFuture<HttpResponse<byte[]>> future = client.sendAsync(request, body);
    try {
      HttpResponse<byte[]> response = future.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
      return new Reply(
          response.statusCode(),
          response.headers(),
          response.body(),
          body.isTooLong() ? new IOException("the answer is longer than maxAnswerBytes") : null);
    } catch (InterruptedException e) {
      future.cancel(true);
      throw e;
    } catch (TimeoutException e) {
      future.cancel(true);
      return cutOff(body, new HttpTimeoutException("no whole answer within " + timeout), null);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (cause instanceof Error error) {
        throw error;
      }
      return cutOff(body, new IOException("the connection failed", cause), cause);
    }
  }

  /** What is known of an answer that did not come whole: its status may say it all. */
  private Reply cutOff(BoundedBody body, IOException failure, @Nullable Throwable cause)
      throws Exception {
    ResponseInfo head = body.head();
    if (head != null) {
      return new Reply(head.statusCode(), head.headers(), new byte[0], failure);
    }
    String where = Endpoint.where(target.base());
    if (cause instanceof ConnectException || cause instanceof HttpConnectTimeoutException) {
      throw new NotAppliedException(
          "Cannot call " + where + ": it takes no connection", (Exception) cause);
    }
    if (cause instanceof SSLException tls && !wasConnected(tls)) {
      if (isOfCertificate(tls)) {
        throw new StopRunException(
            "TLS",
            "Cannot call %s: its certificate is not trusted, or is of another host. Check the address, or add its authority to the trust store of the JVM."
                .formatted(where));
      }
      throw new NotAppliedException("Cannot call " + where + ": no TLS came about", tls);
    }
    throw failure;
  }

  /** Whether the request may have been sent: what failed was not the handshake. */
  private static boolean wasConnected(SSLException error) {
    return !(error instanceof javax.net.ssl.SSLHandshakeException) && !isOfCertificate(error);
  }

  static boolean isOfCertificate(Throwable error) {
    for (Throwable e = error; e != null; e = e.getCause()) {
      if (e instanceof CertificateException
          || e instanceof CertPathValidatorException
          || e instanceof CertPathBuilderException
          || e instanceof javax.net.ssl.SSLPeerUnverifiedException) {
        return true;
      }
    }
    return false;
  }

  /** The client keeps connections for the next writer. */
  @Override
  public void close() {}

  /** Can be cut. */
  private static final class Bytes extends ByteArrayOutputStream {
    void cut(int size) {
      count = size;
    }
  }
}
