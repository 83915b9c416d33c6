package io.fulmar.verify.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.fulmar.testkit.contract.DestinationContract;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * The contract that authors of destinations extend, run by JUnit as they run it: on a destination
 * that keeps it, on one that can do little, and on one with a flaw for each rule.
 */
class DestinationContractTest {
  @AfterEach
  void mend() {
    MemoryContract.flaw = Flaw.NONE;
  }

  /** How each rule ended, by its number. */
  private static Map<String, TestExecutionResult> run(Class<? extends DestinationContract> type) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request().selectors(selectClass(type)).build();
    Map<String, TestExecutionResult> results = new LinkedHashMap<>();
    LauncherFactory.create()
        .execute(
            request,
            new TestExecutionListener() {
              @Override
              public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                if (test.isTest()) {
                  results.put(test.getDisplayName().replaceFirst(":.*", ""), result);
                }
              }
            });
    return results;
  }

  private static List<Method> rules() {
    return Arrays.stream(DestinationContract.class.getDeclaredMethods())
        .filter(method -> method.isAnnotationPresent(Test.class))
        .toList();
  }

  private static Set<String> numbers() {
    Set<String> numbers = new TreeSet<>();
    rules()
        .forEach(
            rule -> numbers.add(rule.getAnnotation(DisplayName.class).value().split(":", 2)[0]));
    return numbers;
  }

  private static String message(TestExecutionResult result) {
    return result.getThrowable().map(Throwable::getMessage).orElse("");
  }

  private static Set<String> rulesThat(Status status, Map<String, TestExecutionResult> results) {
    Set<String> numbers = new TreeSet<>();
    results.forEach(
        (number, result) -> {
          if (result.getStatus() == status) {
            numbers.add(number);
          }
        });
    return numbers;
  }

  @Test
  void rulesAreNumberedWithoutAGap() {
    Set<String> expected = new TreeSet<>();
    for (int i = 1; i <= rules().size(); i++) {
      expected.add("D" + i);
    }
    assertThat(numbers()).isEqualTo(expected).hasSizeGreaterThan(30);
  }

  @Test
  void everyRuleHasAFlawThatBreaksIt() {
    Set<String> broken = new TreeSet<>();
    EnumSet.complementOf(EnumSet.of(Flaw.NONE)).forEach(flaw -> broken.add(flaw.rule()));
    assertThat(broken).isEqualTo(numbers());
  }

  @Test
  void destinationThatKeepsTheContractPassesEveryRule() {
    Map<String, TestExecutionResult> results = run(MemoryContract.class);
    assertThat(results.keySet()).containsExactlyInAnyOrderElementsOf(numbers());
    assertThat(results.values()).allMatch(result -> result.getStatus() == Status.SUCCESSFUL);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
  void flawBreaksItsRuleAloneAndTheMessageTeaches(Flaw flaw) {
    MemoryContract.flaw = flaw;
    Map<String, TestExecutionResult> results = run(MemoryContract.class);
    assertThat(rulesThat(Status.FAILED, results)).containsExactly(flaw.rule());
    assertThat(rulesThat(Status.SUCCESSFUL, results)).hasSize(numbers().size() - 1);
    assertThat(message(results.get(flaw.rule())))
        .startsWith(flaw.rule() + ": ")
        .contains(": this rule is broken.\nFound: ")
        .contains(flaw.found())
        .contains("\nSent, and what came back:\n  ")
        .containsPattern("\nWhy: \\S");
  }

  @Test
  void messageSaysWhatWasSentAndWhatCameBack() {
    MemoryContract.flaw = Flaw.D4_INSERT_WRITES_OVER;
    assertThat(message(run(MemoryContract.class).get("D4")))
        .isEqualTo(
            """
            D4: INSERT creates a record, and is skipped where there is one, which stays: this rule is broken.
            Found: the change of id 1 is accepted, and has to be skipped; its row has t = "b"
            Sent, and what came back:
              INSERT of 1 row (id 1): 1 accepted
              INSERT of 1 row (id 1): 1 accepted
            Why: A sync in mode INSERT never writes over what somebody else made of a record.""");
  }

  @Test
  void ruleThatNeedsWhatIsNotThereIsSkippedAndSaysWhatIsMissing() {
    Map<String, TestExecutionResult> results = run(LimitedContract.class);
    assertThat(rulesThat(Status.FAILED, results)).isEmpty();
    Map<String, String> skipped = new LinkedHashMap<>();
    rulesThat(Status.ABORTED, results)
        .forEach(number -> skipped.put(number, message(results.get(number))));
    assertThat(skipped)
        .containsExactlyInAnyOrderEntriesOf(
            Map.ofEntries(
                skip("D4", "Capabilities.actions does not have INSERT"),
                skip("D5", "Capabilities.actions does not have UPDATE"),
                skip("D6", "Capabilities.actions does not have DELETE"),
                skip("D7", "Capabilities.actions does not have DELETE"),
                skip("D8", "Capabilities.actions does not have CLEAR"),
                skip("D9", "Capabilities.actions does not have CLEAR"),
                skip("D11", "keepsSequence() says that the target keeps none"),
                skip("D14", "refusedText() names no text that the target refuses"),
                skip("D15", "refusedText() names no text that the target refuses"),
                skip("D21", "Capabilities.maxBytes is above 8388608"),
                skip("D23", "silent() gives no way to make the target silent"),
                skip("D25", "outOfReach() gives no way to put the target out of reach"),
                skip("D26", "the capabilities do not say canClear"),
                skip("D27", "Capabilities.concurrency is 1"),
                skip("D28", "outOfReach() gives no way to put the target out of reach"),
                skip("D30", "secrets() names none")));
  }

  private static Map.Entry<String, String> skip(String rule, String missing) {
    return Map.entry(rule, rule + " is skipped: " + missing);
  }
}
