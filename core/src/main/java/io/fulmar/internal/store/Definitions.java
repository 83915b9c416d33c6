package io.fulmar.internal.store;

import com.dynatrace.hash4j.hashing.Hashing;
import io.fulmar.Model;
import io.fulmar.Sync;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The definitions that a sync has been folded under, and when: what was used a day ago and comes
 * back is more often an old version of an application than a wish. Kept as hashes, part by part.
 * Immutable.
 */
public final class Definitions {
  /** Nothing has been folded. */
  public static final Definitions NONE = new Definitions(List.of());

  /** The parts under which a stored plan must be delivered as it was planned. */
  public static final List<String> OF_DELIVERY = List.of("key", "mapping");

  private static final int MAX = 16;
  private static final Duration KEPT_FOR = Duration.ofDays(32);

  private final List<Use> uses;

  private Definitions(List<Use> uses) {
    this.uses = List.copyOf(uses);
  }

  /** One definition and when it was folded last. */
  private record Use(Map<String, String> parts, Instant at) {}

  /**
   * The definition of a sync, part by part.
   *
   * @param sync its settings
   * @param fingerprint names and types of the columns
   * @param mapping what of the mapping makes rows due again
   */
  public static Map<String, String> definition(Sync sync, String fingerprint, String mapping) {
    Map<String, String> parts = new LinkedHashMap<>();
    parts.put("query", hash(sync.model().sql()));
    parts.put("key", hash(String.join("\n", sync.model().key())));
    parts.put("columns", hash(fingerprint));
    parts.put("settings", hash(settings(sync.model())));
    parts.put("mapping", hash(mapping));
    parts.put("mode", hash(sync.mode().name()));
    parts.put("removal", hash(sync.removal().name()));
    return parts;
  }

  /** What of a model but its text decides which rows it returns. */
  private static String settings(Model model) {
    StringBuilder text = new StringBuilder(model.isRowSecurityAllowed() ? "visible" : "all");
    model
        .settings()
        .forEach((name, value) -> text.append('\0').append(name).append('\0').append(value));
    return text.toString();
  }

  private static String hash(String text) {
    return HexFormat.of().toHexDigits(Hashing.xxh3_64().hashCharsToLong(text));
  }

  /** How a definition differs from the one that was folded last. */
  public DefinitionChange change(Map<String, String> definition) {
    if (uses.isEmpty()) {
      return DefinitionChange.NONE;
    }
    Use last = uses.get(uses.size() - 1);
    List<String> differ = new ArrayList<>();
    definition.forEach(
        (part, hash) -> {
          if (!hash.equals(last.parts().get(part))) {
            differ.add(part);
          }
        });
    if (differ.isEmpty()) {
      return DefinitionChange.NONE;
    }
    for (Use use : uses) {
      if (use.parts().equals(definition)) {
        return new DefinitionChange(differ, use.at());
      }
    }
    return new DefinitionChange(differ, null);
  }

  /** These, after a fold under a definition. */
  public Definitions used(Map<String, String> definition, Instant at) {
    List<Use> next = new ArrayList<>();
    for (Use use : uses) {
      boolean old = use.at().plus(KEPT_FOR).isBefore(at);
      if (!old && !use.parts().equals(definition)) {
        next.add(use);
      }
    }
    next.add(new Use(Map.copyOf(definition), at));
    return new Definitions(next.subList(Math.max(0, next.size() - MAX), next.size()));
  }

  /** As one line of text, for {@link #parse}. */
  public String text() {
    List<String> lines = new ArrayList<>();
    for (Use use : uses) {
      StringBuilder line = new StringBuilder(use.at().toString());
      use.parts().forEach((part, hash) -> line.append(' ').append(part).append(':').append(hash));
      lines.add(line.toString());
    }
    return String.join(";", lines);
  }

  /**
   * What {@link #text} gave.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static Definitions parse(String text) {
    List<Use> uses = new ArrayList<>();
    for (String line : text.isEmpty() ? new String[0] : text.split(";")) {
      String[] words = line.split(" ");
      Map<String, String> parts = new LinkedHashMap<>();
      for (int i = 1; i < words.length; i++) {
        int colon = words[i].indexOf(':');
        if (colon < 1) {
          throw new IllegalArgumentException("a definition without a colon");
        }
        parts.put(words[i].substring(0, colon), words[i].substring(colon + 1));
      }
      uses.add(new Use(Map.copyOf(parts), Instant.parse(words[0])));
    }
    return new Definitions(uses);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Definitions definitions && uses.equals(definitions.uses);
  }

  @Override
  public int hashCode() {
    return Objects.hash(uses);
  }

  @Override
  public String toString() {
    return "Definitions[" + uses.size() + "]";
  }
}
