package io.fulmar;

import io.fulmar.HttpDestination.Answer;
import io.fulmar.HttpDestination.AnswerReader;
import io.fulmar.internal.json.JsonTree;
import io.fulmar.internal.json.RowJson;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Verdict;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Verdicts out of an answer in JSON that has one item for each change. Immutable and threadsafe.
 *
 * <pre>{@code
 * // {"results": [{"status": "ok"}, {"status": "error", "error": {"code": "INVALID_EMAIL"}}]}
 * AnswerReader verdicts = JsonVerdicts.builder("/results")
 *     .accepted("/status", "ok")
 *     .code("/error/code")
 *     .build();
 * }</pre>
 *
 * <p>Paths are JSON Pointers (RFC 6901), whose first slash may be left out; an empty one is the
 * whole. Items stand in the order of the changes, unless {@link Builder#changeId} is set; then a
 * change without an item is unknown. An answer that is not JSON, or has another number of items,
 * makes the whole batch unknown, so it is sent again under the same change ids.
 */
public final class JsonVerdicts implements AnswerReader {
  private static final RowJson READER = new RowJson(JsonNumbers.EXACT, Set.of());
  private static final Pattern NOT_IN_CODES = Pattern.compile("[^A-Za-z0-9_.-]");

  private final String items;
  private final @Nullable Test accepted;
  private final @Nullable Test skipped;
  private final @Nullable String code;
  private final @Nullable String message;
  private final @Nullable String changeId;
  private final Set<String> retryCodes;

  private JsonVerdicts(Builder builder) {
    items = builder.items;
    accepted = builder.accepted;
    skipped = builder.skipped;
    code = builder.code;
    message = builder.message;
    changeId = builder.changeId;
    retryCodes = Set.copyOf(builder.retryCodes);
  }

  private record Test(String pointer, Set<String> values) {
    boolean holds(@Nullable Object item) {
      return JsonTree.at(item, pointer) instanceof String text && values.contains(text);
    }
  }

  /**
   * Begins with where the items are.
   *
   * @param items leads to the array of items; where a request has one row, to an object that is the
   *     only item
   */
  public static Builder builder(String items) {
    return new Builder(pointer("items", items));
  }

  private static String pointer(String what, String pointer) {
    Objects.requireNonNull(pointer, what);
    return pointer.isEmpty() || pointer.startsWith("/") ? pointer : "/" + pointer;
  }

  @Override
  public Delivery read(Batch batch, Answer answer) throws IOException {
    Objects.requireNonNull(batch, "batch");
    Objects.requireNonNull(answer, "answer");
    Object found = JsonTree.at(JsonTree.parse(answer.body(), READER), items);
    List<?> all = found instanceof Map<?, ?> one ? List.of(one) : null;
    if (found instanceof List<?> list) {
      all = list;
    }
    if (all == null) {
      throw new IOException("the answer has no items where they should be");
    }
    if (changeId == null && all.size() != batch.size()) {
      throw new IOException(
          "the answer has %s items for %s changes".formatted(all.size(), batch.size()));
    }
    Delivery.Builder delivery = Delivery.builder();
    for (int i = 0; i < all.size(); i++) {
      Object item = all.get(i);
      delivery.answer(
          changeId == null
              ? batch.changes().get(i).changeId()
              : String.valueOf(JsonTree.at(item, changeId)),
          verdict(item));
    }
    return delivery.build();
  }

  private Verdict verdict(@Nullable Object item) {
    if (accepted == null || accepted.holds(item)) {
      return new Verdict.Accepted();
    } else if (skipped != null && skipped.holds(item)) {
      return new Verdict.Skipped();
    }
    String why = text(item, code, 100);
    String stable = why == null ? "REFUSED" : NOT_IN_CODES.matcher(why).replaceAll("_");
    String words = text(item, message, 500);
    return new Verdict.Rejected(
        stable,
        words == null ? "refused by the API" : words,
        retryCodes.contains(stable) ? Verdict.Retry.THIS_RUN : Verdict.Retry.NEXT_RUN);
  }

  private static @Nullable String text(@Nullable Object item, @Nullable String pointer, int most) {
    if (pointer == null || !(JsonTree.at(item, pointer) instanceof String text) || text.isBlank()) {
      return null;
    }
    return text.length() > most ? text.substring(0, most) : text;
  }

  /** Collects settings. Not threadsafe. */
  public static final class Builder {
    private final String items;
    private @Nullable Test accepted;
    private @Nullable Test skipped;
    private @Nullable String code;
    private @Nullable String message;
    private @Nullable String changeId;
    private final Set<String> retryCodes = new HashSet<>();

    private Builder(String items) {
      this.items = items;
    }

    /**
     * An item is accepted if one of these values is there. Required.
     *
     * @param pointer within the item
     * @param values texts; numbers and booleans as they are written, {@code "true"}
     */
    public Builder accepted(String pointer, String... values) {
      accepted = test(pointer, values);
      return this;
    }

    /**
     * An item that is not accepted is skipped if one of these values is there: there is nothing to
     * do for this version. Default: none is.
     *
     * @param pointer within the item
     * @param values texts; numbers and booleans as they are written
     */
    public Builder skipped(String pointer, String... values) {
      skipped = test(pointer, values);
      return this;
    }

    private static Test test(String pointer, String... values) {
      Set<String> copy = new HashSet<>();
      String checked = pointer("pointer", pointer);
      for (String value : Objects.requireNonNull(values, "values")) {
        copy.add(Objects.requireNonNull(value, "values"));
      }
      if (copy.isEmpty()) {
        throw new IllegalArgumentException("values must not be empty");
      }
      return new Test(checked, Set.copyOf(copy));
    }

    /**
     * Where the code of a rejection is, for grouping; what is neither letter, digit, dot nor hyphen
     * becomes {@code _}, and what is beyond 100 characters is cut off. Default: all are {@code
     * REFUSED}.
     *
     * @param pointer within the item
     */
    public Builder code(String pointer) {
      code = pointer("code", pointer);
      return this;
    }

    /**
     * Where the message of a rejection is, of which 500 characters are kept. It reaches reports, so
     * set it only if it quotes no values of rows. Default: none is read.
     *
     * @param pointer within the item
     */
    public Builder message(String pointer) {
      message = pointer("message", pointer);
      return this;
    }

    /**
     * Where an item says which change it is of; see {@link HttpDestination.Builder#changeIdMember}.
     * Default: items stand in the order of the changes.
     *
     * @param pointer within the item
     */
    public Builder changeId(String pointer) {
      changeId = pointer("changeId", pointer);
      return this;
    }

    /**
     * Codes of rejections that may pass within the run, so that the change is tried again in it.
     * May be called several times. Default: none.
     */
    public Builder retryCodes(String... codes) {
      for (String each : Objects.requireNonNull(codes, "codes")) {
        retryCodes.add(Objects.requireNonNull(each, "codes"));
      }
      return this;
    }

    /**
     * The reader.
     *
     * @throws IllegalStateException if it was not said what is accepted
     */
    public JsonVerdicts build() {
      if (accepted == null) {
        throw new IllegalStateException("accepted(...) is missing");
      }
      return new JsonVerdicts(this);
    }
  }
}
