package io.fulmar.verify.destination;

import io.fulmar.spi.CheckSteps;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Takes the steps of a check and keeps what each found, as lines that begin with its weight. */
final class FoundSteps implements CheckSteps {
  private final Map<String, List<String>> lines = new LinkedHashMap<>();

  /** By step: {@code "found ..."} and {@code "failure ... (remedy)"}; nothing if it was skipped. */
  Map<String, List<String>> lines() {
    return lines;
  }

  @Override
  public boolean step(String name, Look look) {
    List<String> found = new ArrayList<>();
    lines.put(name, found);
    try {
      look.look(
          new Findings() {
            @Override
            public void found(String fact) {
              found.add("found " + fact);
            }

            @Override
            public void warning(String fact, String remedy) {
              found.add("warning " + fact + " (" + remedy + ")");
            }

            @Override
            public void failure(String fact, String remedy) {
              found.add("failure " + fact + " (" + remedy + ")");
            }
          });
    } catch (Exception e) {
      found.add("failure " + e.getClass().getName());
    }
    return found.stream().noneMatch(line -> line.startsWith("failure"));
  }

  @Override
  public boolean stepAfter(String needed, String name, Look look) {
    if (!lines.containsKey(needed)) {
      throw new IllegalArgumentException("there was no step " + needed);
    }
    boolean isSkipped = lines.get(needed).stream().anyMatch(line -> line.startsWith("failure"));
    return !isSkipped && step(name, look);
  }

  @Override
  public Duration remaining() {
    return Duration.ofSeconds(5);
  }
}
