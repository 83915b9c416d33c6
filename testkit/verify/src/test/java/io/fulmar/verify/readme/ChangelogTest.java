package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * .github/CHANGELOG.md keeps up with the version that is built, and with the one that is released.
 */
class ChangelogTest {
  /** A version that is out has the day, one that is not says so. */
  private static final Pattern HEADING =
      Pattern.compile("(?m)^## \\[(\\d+\\.\\d+\\.\\d+)] - (unreleased|\\d{4}-\\d{2}-\\d{2})$");

  private static List<String> versions() {
    return HEADING
        .matcher(Readme.read(".github/CHANGELOG.md"))
        .results()
        .map(heading -> heading.group(1))
        .toList();
  }

  @Test
  void newestEntryIsTheVersionOfThisBuild() {
    assertThat(versions()).startsWith(Readme.version().replace("-SNAPSHOT", ""));
  }

  @Test
  void profileReleaseMakesTheNewestEntry() {
    String released =
        Readme.read("pom.xml")
            .replaceFirst("(?s)^.*<id>release</id>", "")
            .replaceFirst("(?s)</revision>.*", "")
            .replaceFirst("(?s).*<revision>", "");
    assertThat(versions()).startsWith(released);
  }

  @Test
  void onlyTheNewestEntryMayBeUnreleased() {
    assertThat(
            HEADING
                .matcher(Readme.read(".github/CHANGELOG.md"))
                .results()
                .skip(1)
                .map(heading -> heading.group(2)))
        .doesNotContain("unreleased");
  }
}
