package io.fulmar.internal.http;

import io.fulmar.Action;
import io.fulmar.HttpDestination.AnswerReader;
import io.fulmar.HttpDestination.Outcome;
import io.fulmar.Secret;
import io.fulmar.internal.json.RowJson;
import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What is called, and how: the settings of an {@link io.fulmar.HttpDestination}.
 *
 * @param identity which destination it is
 * @param base where all requests lead
 * @param requests by action
 * @param clear the request that empties the destination; null for none
 * @param headers of every request
 * @param body how rows are written
 * @param idempotencyHeader carries the change id; null for none
 * @param outcomes what statuses say, where it is not what is usual
 * @param reader makes verdicts of the body of an answer; null if the status is all
 * @param requestTimeout how long a request may take; null for what the deadline of the call leaves
 * @param maxRequestBytes the longest body that is sent
 * @param maxAnswerBytes the longest body that is read
 * @param reach which addresses are called
 * @param client gives what sends, always the same
 */
public record HttpTarget(
    String identity,
    URI base,
    Map<Action, Request> requests,
    @Nullable Request clear,
    List<Header> headers,
    Body body,
    @Nullable String idempotencyHeader,
    Map<Integer, Outcome> outcomes,
    @Nullable AnswerReader reader,
    @Nullable Duration requestTimeout,
    long maxRequestBytes,
    long maxAnswerBytes,
    Reach reach,
    Supplier<HttpClient> client) {

  /** Which addresses are called. */
  public enum Reach {
    /** Those of the public internet. */
    PUBLIC,
    /** Any. */
    ANY
  }

  /**
   * What an action asks for.
   *
   * @param method of the request
   * @param uri of the request
   */
  public record Request(String method, UriTemplate uri) {}

  /**
   * A header.
   *
   * @param name its name
   * @param prefix stands before the value
   * @param value revealed for each request
   */
  public record Header(String name, String prefix, Secret value) {}

  /**
   * The body of a request.
   *
   * @param rows how many go into one
   * @param json how they are written
   * @param member the array is the value of this member of an object; null for the array alone
   * @param changeId each row has its change id as this member; null for none
   * @param sequence each row has its sequence as this member; null for none
   */
  public record Body(
      Rows rows,
      RowJson json,
      @Nullable String member,
      @Nullable String changeId,
      @Nullable String sequence) {}

  /** How many rows go into one body. */
  public enum Rows {
    /** One, as an object. */
    ONE,
    /** As many as there are, as an array. */
    ALL
  }
}
