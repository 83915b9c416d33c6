package io.fulmar.testkit.contract;

import io.fulmar.Change;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is sent and what comes back, in few words: tests send texts of 100,000 characters too. */
final class Words {
  private static final int LONGEST_TEXT = 60;
  private static final int MOST_IDS = 8;

  private Words() {}

  static String batch(Batch batch) {
    return "%s of %s (%s)".formatted(batch.action(), rows(batch.size()), ids(batch.changes()));
  }

  private static String rows(int count) {
    return count == 1 ? "1 row" : count + " rows";
  }

  private static String ids(List<Change> changes) {
    List<String> ids =
        new ArrayList<>(
            changes.stream()
                .limit(MOST_IDS)
                .map(change -> String.valueOf(change.key().text("id")))
                .toList());
    if (changes.size() > MOST_IDS) {
      ids.add("...");
    }
    return "id " + String.join(", ", ids);
  }

  /** How many changes have which answer. */
  static String delivery(Batch batch, @Nullable Delivery delivery) {
    if (delivery == null) {
      return "null";
    }
    Map<String, Verdict> verdicts = new HashMap<>();
    delivery.answers().forEach(answer -> verdicts.put(answer.changeId(), answer.verdict()));
    Verdict others =
        delivery.unnamed() == Delivery.Unnamed.ACCEPTED ? new Verdict.Accepted() : null;
    Map<String, Integer> counts = new LinkedHashMap<>();
    for (Change change : batch.changes()) {
      counts.merge(verdict(verdicts.getOrDefault(change.changeId(), others)), 1, Integer::sum);
    }
    List<String> words = new ArrayList<>();
    counts.forEach((verdict, count) -> words.add(count + " " + verdict));
    return String.join(", ", words);
  }

  static String verdict(@Nullable Verdict verdict) {
    if (verdict == null) {
      return "without an answer";
    } else if (verdict instanceof Verdict.Rejected rejected) {
      return "rejected (%s: %s)".formatted(rejected.code(), text(rejected.message()));
    }
    return verdict instanceof Verdict.Skipped ? "skipped" : "accepted";
  }

  static String thrown(Throwable thrown) {
    return "%s: %s".formatted(thrown.getClass().getSimpleName(), text(thrown.getMessage()));
  }

  /** A value in quotes, shortened, with what does not show written out. */
  static String text(@Nullable String value) {
    if (value == null) {
      return "NULL";
    }
    StringBuilder out = new StringBuilder("\"");
    int end = Math.min(value.length(), LONGEST_TEXT);
    for (int i = 0; i < end; i++) {
      char c = value.charAt(i);
      if (c >= ' ' && c < 0x7f) {
        out.append(c);
      } else {
        String hex = Integer.toHexString(c);
        out.append("\\u").append("0".repeat(4 - hex.length())).append(hex);
      }
    }
    out.append('"');
    return value.length() > end ? out + " and " + (value.length() - end) + " more" : out.toString();
  }
}
