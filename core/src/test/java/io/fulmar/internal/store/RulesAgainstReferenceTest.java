package io.fulmar.internal.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.fulmar.HoldKind;
import io.fulmar.Operation;
import io.fulmar.Removal;
import io.fulmar.SyncMode;
import io.fulmar.harness.Reference5a;
import io.fulmar.harness.Reference5a.Call;
import io.fulmar.harness.Reference5a.Held;
import io.fulmar.harness.Reference5a.Remembered;
import io.fulmar.harness.Reference5a.Rule;
import io.fulmar.harness.Reference5a.Settings;
import io.fulmar.harness.Reference5a.Step;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@link Rules} say what {@link Reference5a} says, about a run and about every request: over every
 * combination of a small domain, and over many random ones of a larger. A reference with a rule
 * left out is told apart, so the comparison looks at everything that matters; but for the three
 * rules that are the store's: what it does about ambiguous keys, the epoch, and a clear.
 */
@DisplayName("P12, section 5a: the rules agree with the reference")
class RulesAgainstReferenceTest {
  private static final int RANDOM_CASES = 100_000;
  private static final long HOUR = Duration.ofHours(1).toMillis();
  private static final long NOW = 100_000 * HOUR;
  private static final String NEW_ID = "new";

  /** What is asked. */
  private enum Asked {
    RUN,
    RESYNC,
    RESET,
    FILL,
    RELEASE
  }

  /** One combination of everything that a decision and its settling depend on. */
  private record Case(
      Asked asked,
      Settings settings,
      @Nullable String w,
      Remembered memory,
      Outcome.Kind answer,
      boolean unsure,
      long until) {}

  @Test
  void rulesAgreeWithTheReferenceOnOneInThreeCombinationsOfASmallDomain() {
    assertThat(compared(3)).isGreaterThan(160_000);
  }

  @Test
  @Tag("soak")
  void rulesAgreeWithTheReferenceOnEveryCombinationOfASmallDomain() {
    assertThat(compared(1)).isGreaterThan(500_000);
  }

  /** Compares one in so many, others each time; a difference names its case. */
  private static long compared(int stride) {
    List<String> differences = new ArrayList<>();
    long[] cases = {new Random().nextInt(stride), 0};
    everyCase(
        one -> {
          if (cases[0]++ % stride == 0) {
            cases[1]++;
            String difference = difference(one, Set.of());
            if (difference != null && differences.size() < 3) {
              differences.add(difference);
            }
          }
        });
    assertThat(differences).isEmpty();
    return cases[1];
  }

  @Test
  void rulesAgreeWithTheReferenceOnRandomCombinations() {
    long seed = Long.getLong("fulmar.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < RANDOM_CASES; i++) {
      String difference = difference(randomCase(random), Set.of());
      if (difference != null) {
        fail("-Dfulmar.seed=" + seed + ", case " + i + ": " + difference);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @Tag("oracle")
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"AMBIGUOUS_KEY_STAYS", "RESYNC_STAYS_DUE", "CLEAR_FORGETS"})
  void referenceWithoutOneRuleIsToldApart(Rule leftOut) {
    Random random = new Random(5);
    int cases = 0;
    while (difference(randomCase(random), EnumSet.of(leftOut)) == null) {
      assertThat(++cases).isLessThan(RANDOM_CASES);
    }
  }

  /** What one side says about a case. */
  private record Said(
      @Nullable Operation operation,
      @Nullable String version,
      @Nullable String id,
      int attempts,
      long firstAt,
      boolean held,
      boolean ignored,
      Remembered after) {}

  /** How rules and reference differ on a case; null if they agree. */
  private static @Nullable String difference(Case one, Set<Rule> leftOut) {
    Said reference = referenceSays(one, leftOut);
    Said rules = rulesSay(one);
    return rules.equals(reference)
        ? null
        : one + "\n  reference: " + reference + "\n  rules:     " + rules;
  }

  private static Said referenceSays(Case one, Set<Rule> leftOut) {
    Reference5a reference = new Reference5a(one.settings(), leftOut);
    Remembered memory = one.memory();
    String w = one.w();
    return switch (one.asked()) {
      case RUN -> delivered(reference, one, reference.plan(w, memory), memory);
      case RESYNC -> {
        Step step = reference.resync(w, memory);
        yield step.operation() == null
            ? said(step, null, reference.untouched(memory, NOW))
            : delivered(reference, one, step, memory);
      }
      case RESET -> {
        Step step = reference.reset(w, memory);
        String id = step.operation() == null ? null : NEW_ID;
        yield said(step, id, reference.taken(w, memory, NOW));
      }
      case FILL -> {
        Step step = reference.fill(w, memory);
        yield step.operation() == null
            ? said(step, null, Remembered.NOTHING)
            : delivered(reference, one, step, Remembered.NOTHING);
      }
      case RELEASE -> new Said(null, null, null, 0, 0, false, false, reference.release(memory));
    };
  }

  private static Said delivered(Reference5a reference, Case one, Step step, Remembered memory) {
    String id = step.operation() == null ? null : step.id() == null ? NEW_ID : step.id();
    return said(step, id, reference.fold(memory, step, id, calls(one), one.until(), NOW));
  }

  private static Said said(Step step, @Nullable String id, Remembered after) {
    long firstAt = step.operation() == null || step.firstAt() != 0 ? step.firstAt() : NOW;
    return new Said(
        step.operation(),
        step.operation() == null ? null : step.source(),
        id,
        step.attempts(),
        firstAt,
        step.held(),
        step.ignored(),
        after);
  }

  private static Said rulesSay(Case one) {
    Rules rules = rules(one.settings());
    Version source = version(one.w());
    Memory found = memory(one.memory());
    if (one.asked() == Asked.RELEASE) {
      return new Said(null, null, null, 0, 0, false, false, remembered(Rules.release(found)));
    }
    PlanRequest.Kind request = PlanRequest.Kind.valueOf(one.asked().name());
    Rules.Decision decision = rules.decide(request, source, found);
    boolean held = decision.left() == Rules.Left.HELD;
    boolean ignored = decision.left() == Rules.Left.IGNORED;
    Memory memory = one.asked() == Asked.FILL ? Memory.NONE : rules.renew(found);
    if (decision.planned() == null) {
      return new Said(null, null, null, 0, 0, held, ignored, folded(rules, decision, memory));
    }
    Planned planned = rules.planned(decision, source, found, version(NEW_ID), NOW);
    Outcome outcome =
        one.asked() == Asked.RESET
            ? Outcome.ACCEPTED
            : new Outcome(one.answer(), one.unsure(), one.until(), null);
    Memory settled = rules.settle(memory, planned, outcome, NOW);
    return new Said(
        planned.operation(),
        name(planned.version()),
        name(planned.changeId()),
        planned.attempts(),
        planned.firstAt(),
        held,
        ignored,
        folded(rules, decision, settled));
  }

  private static Remembered folded(Rules rules, Rules.Decision decision, Memory memory) {
    return remembered(rules.expire(rules.affect(memory, decision.effects(), NOW), NOW));
  }

  private static List<Call> calls(Case one) {
    List<Call> calls = new ArrayList<>();
    if (one.unsure()) {
      calls.add(Call.UNKNOWN);
    }
    calls.add(
        switch (one.answer()) {
          case ACCEPTED -> Call.ACCEPTED;
          case REJECTED -> Call.REJECTED;
          case REJECTED_TOGETHER -> Call.REJECTED_WITH_OTHERS;
          case SKIPPED -> Call.SKIPPED;
          case UNKNOWN -> Call.UNKNOWN;
          case UNKNOWN_ALONE -> Call.UNKNOWN_ALONE;
          case NOT_TRIED -> Call.NOT_APPLIED;
        });
    return calls;
  }

  private static void everyCase(Consumer<Case> consumer) {
    for (Asked asked : Asked.values()) {
      everyCase(asked, consumer);
    }
  }

  private static void everyCase(Asked asked, Consumer<Case> consumer) {
    List<Remembered> memories = memories();
    for (SyncMode mode : SyncMode.values()) {
      for (Removal removal : Removal.values()) {
        for (boolean changed : new boolean[] {false, true}) {
          Settings settings = new Settings(mode, removal, changed, 10, 24 * HOUR, 500 * HOUR);
          for (Remembered memory : memories) {
            for (String w : new String[] {null, "a", "b", "c"}) {
              for (Outcome.Kind answer : Outcome.Kind.values()) {
                boolean unknown =
                    answer == Outcome.Kind.UNKNOWN || answer == Outcome.Kind.UNKNOWN_ALONE;
                consumer.accept(new Case(asked, settings, w, memory, answer, unknown, 0));
                if (!unknown && answer != Outcome.Kind.ACCEPTED) {
                  consumer.accept(new Case(asked, settings, w, memory, answer, true, NOW + HOUR));
                }
              }
            }
          }
        }
      }
    }
  }

  private static List<Remembered> memories() {
    List<@Nullable Held> holds = new ArrayList<>();
    holds.add(null);
    for (String version : new String[] {null, "a", "b"}) {
      holds.add(new Held(version, HoldKind.OPEN, 0, 0, null, true));
      for (HoldKind kind : HoldKind.values()) {
        for (boolean unsure : new boolean[] {false, true}) {
          for (int attempts : new int[] {0, 9}) {
            for (long firstAt : new long[] {NOW - 2 * HOUR, NOW - 48 * HOUR}) {
              if (unsure || kind != HoldKind.OPEN) {
                holds.add(new Held(version, kind, attempts, firstAt, "held", unsure));
              }
            }
          }
        }
      }
    }
    List<Remembered> memories = new ArrayList<>();
    for (Held held : holds) {
      for (long until : new long[] {0, NOW, NOW + 2 * HOUR}) {
        memories.add(new Remembered(null, 0, held, until));
        memories.add(new Remembered("a", 0, held, until));
        memories.add(new Remembered("a", NOW - HOUR, held, until));
        memories.add(new Remembered("a", NOW - 1_000 * HOUR, held, until));
      }
    }
    return memories;
  }

  private static Case randomCase(Random random) {
    String[] versions = {null, "a", "b", "c", "d", "e"};
    Settings settings =
        new Settings(
            one(random, SyncMode.values()),
            one(random, Removal.values()),
            random.nextInt(4) == 0,
            1 + random.nextInt(12),
            random.nextInt(48) * HOUR,
            random.nextInt(3) * 100 * HOUR);
    HoldKind kind = one(random, HoldKind.values());
    Held held =
        switch (random.nextInt(6)) {
          case 0 -> null;
          case 1 -> new Held(one(random, versions), HoldKind.OPEN, 0, 0, null, true);
          default ->
              new Held(
                  one(random, versions),
                  kind,
                  random.nextInt(13),
                  NOW - random.nextInt(72) * HOUR,
                  "held",
                  kind == HoldKind.OPEN || random.nextBoolean());
        };
    String accepted = one(random, versions);
    long goneSince =
        accepted != null && random.nextInt(3) == 0 ? NOW - random.nextInt(300) * HOUR : 0;
    long until = random.nextBoolean() ? 0 : NOW + (random.nextInt(9) - 4) * HOUR;
    Outcome.Kind answer = one(random, Outcome.Kind.values());
    boolean unsure =
        answer == Outcome.Kind.UNKNOWN
            || answer == Outcome.Kind.UNKNOWN_ALONE
            || (answer != Outcome.Kind.ACCEPTED && random.nextInt(3) == 0);
    return new Case(
        one(random, Asked.values()),
        settings,
        one(random, versions),
        new Remembered(accepted, goneSince, held, until),
        answer,
        unsure,
        random.nextBoolean() ? 0 : NOW + random.nextInt(4) * HOUR);
  }

  private static <T> T one(Random random, T[] values) {
    return values[random.nextInt(values.length)];
  }

  private static Rules rules(Settings settings) {
    return new Rules(
        settings.mode(),
        settings.removal(),
        !settings.changed(),
        settings.quarantineAttempts(),
        Duration.ofMillis(settings.quarantineAge()),
        settings.forgetAfter() == 0 ? null : Duration.ofMillis(settings.forgetAfter()));
  }

  private static Memory memory(Remembered m) {
    Held h = m.held();
    Hold hold =
        h == null
            ? null
            : new Hold(
                version(h.version()),
                h.kind(),
                h.attempts(),
                h.firstAt(),
                version(h.id()),
                h.unsure(),
                null);
    return new Memory(version(m.accepted()), m.goneSince(), hold, m.until());
  }

  private static Remembered remembered(Memory m) {
    Hold h = m.hold();
    Held held =
        h == null
            ? null
            : new Held(
                name(h.version()),
                h.kind(),
                h.attempts(),
                h.firstAt(),
                name(h.changeId()),
                h.unsure());
    return new Remembered(name(m.accepted()), m.goneSince(), held, m.until());
  }

  /** A version with the name in its digits: names have at most eight characters. */
  private static @Nullable Version version(@Nullable String name) {
    if (name == null) {
      return null;
    }
    long digits = 0;
    for (char c : name.toCharArray()) {
      digits = digits << 8 | c;
    }
    return new Version(0, digits);
  }

  private static @Nullable String name(@Nullable Version version) {
    if (version == null) {
      return null;
    }
    StringBuilder name = new StringBuilder();
    for (long digits = version.low(); digits != 0; digits >>>= 8) {
      name.insert(0, (char) (digits & 0xff));
    }
    return name.toString();
  }
}
