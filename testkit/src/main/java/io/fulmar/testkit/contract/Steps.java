package io.fulmar.testkit.contract;

import io.fulmar.FulmarException;
import io.fulmar.spi.CheckSteps;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Takes the steps of a check, one after the other. Used by one thread. */
final class Steps implements CheckSteps {
  private final Map<String, Boolean> passed = new HashMap<>();
  private final List<String> found = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();

  /** Whatever was said. */
  List<String> found() {
    return found;
  }

  /** What failed, and what it said. */
  List<String> failures() {
    return failures;
  }

  @Override
  public boolean step(String name, Look look) {
    int before = failures.size();
    try {
      look.look(new Noting(name));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      fails(name + ": interrupted");
    } catch (FulmarException e) {
      fails(name + ": " + e.getMessage());
    } catch (Exception e) {
      fails(name + ": " + e.getClass().getName());
    }
    passed.put(name, failures.size() == before);
    return failures.size() == before;
  }

  @Override
  public boolean stepAfter(String needed, String name, Look look) {
    Boolean before = passed.get(needed);
    if (before == null) {
      throw new IllegalArgumentException("there was no step " + needed);
    }
    if (!before) {
      passed.put(name, false);
      return false;
    }
    return step(name, look);
  }

  @Override
  public Duration remaining() {
    return Duration.ofSeconds(20);
  }

  private void fails(String what) {
    found.add(what);
    failures.add(what);
  }

  private final class Noting implements Findings {
    private final String step;

    Noting(String step) {
      this.step = step;
    }

    @Override
    public void found(String fact) {
      found.add(step + ": " + fact);
    }

    @Override
    public void warning(String fact, String remedy) {
      found.add(step + ": " + fact + ". " + remedy);
    }

    @Override
    public void failure(String fact, String remedy) {
      fails(step + ": " + fact + ". " + remedy);
    }
  }
}
