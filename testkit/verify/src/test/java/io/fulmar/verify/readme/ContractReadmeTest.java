package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.contract.DestinationContract;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** README.md's words about the contract of destinations are those of the class. */
class ContractReadmeTest {
  private static List<String> rows(String pattern) {
    String text = Readme.text();
    int from = text.indexOf("\n### Testing a destination\n");
    assertThat(from).isPositive();
    String section = text.substring(from, text.indexOf("\n##", from + 1));
    return Pattern.compile(pattern).matcher(section).results().map(MatchResult::group).toList();
  }

  @Test
  void exampleIsTheTestThatRuns() {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(
            Readme.tokens(Readme.markedTest("io.fulmar.verify.readme.ContactsTest"))
                .replace("@Nullable", "")
                .replace("HttpExample.", ""));
  }

  @Test
  void rulesAreThoseOfTheContract() {
    List<String> rules =
        Arrays.stream(DestinationContract.class.getDeclaredMethods())
            .filter(method -> method.isAnnotationPresent(Test.class))
            .map(method -> method.getAnnotation(DisplayName.class).value())
            .map(name -> "| " + name.replaceFirst(": ", " | ") + " |")
            .toList();
    assertThat(rows("(?m)^\\| D\\d+ \\| .* \\|$")).containsExactlyInAnyOrderElementsOf(rules);
  }

  @Test
  void hooksAreThoseOfTheContract() {
    List<String> hooks =
        Arrays.stream(DestinationContract.class.getDeclaredMethods())
            .filter(method -> Modifier.isProtected(method.getModifiers()))
            .map(
                method ->
                    "`%s` | %s |"
                        .formatted(
                            method.getName(),
                            Modifier.isAbstract(method.getModifiers()) ? "required" : "default"))
            .toList();
    assertThat(
            rows("(?m)^\\| `\\w+\\([^`]*\\)` \\| .* \\| .* \\|$").stream()
                .map(
                    row ->
                        row.replaceFirst(
                                "^\\| `(\\w+)\\([^`]*\\)` \\| .* \\| (.*) \\|$", "`$1` | $2 |")
                            .replaceFirst("\\| (?!required).* \\|$", "| default |"))
                .toList())
        .containsExactlyInAnyOrderElementsOf(hooks);
  }
}
