package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * What {@code -Prelease} stages is complete, equal each time, and no more than it should be. What
 * S-08 asks beyond this, that no library has a known vulnerability rated high, takes a database of
 * vulnerabilities from the network: whoever publishes gives the SBOMs to such a service.
 */
@Tag("release")
class ReleaseTest {
  private static final Pattern RUNTIME_JAR =
      Pattern.compile("(?m)^ +([^:\\s]+:[^:]+):jar:([^:]+):(?:compile|runtime)( \\(optional\\))?");

  private static StagedRelease release;

  @BeforeAll
  static void stage() throws Exception {
    release = StagedRelease.get();
  }

  static List<String> modules() {
    return StagedRelease.modules();
  }

  /** Names of all files of a repository, without checksums and what tells when it was deployed. */
  private static TreeSet<String> files(Path repository) throws IOException {
    try (Stream<Path> files = Files.walk(repository)) {
      return new TreeSet<>(
          files
              .filter(Files::isRegularFile)
              .map(file -> repository.relativize(file).toString())
              .filter(name -> !name.endsWith(".md5") && !name.endsWith(".sha1"))
              .filter(name -> !name.contains("maven-metadata"))
              .toList());
    }
  }

  @Test
  void modulesAndBomAreStagedAndNothingElse() throws Exception {
    List<String> expected = new ArrayList<>();
    for (String module : modules()) {
      for (String suffix :
          List.of(
              ".jar",
              ".pom",
              "-sources.jar",
              "-javadoc.jar",
              "-cyclonedx.json",
              "-cyclonedx.xml")) {
        expected.add(release.repository().relativize(release.file(module, suffix)).toString());
      }
    }
    expected.add(release.repository().relativize(release.file("fulmar-bom", ".pom")).toString());
    assertThat(files(release.repository())).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  @DisplayName("S-08: two builds in two folders are equal byte for byte")
  void twoBuildsAreEqual() throws Exception {
    Path again = release.repositoryBuiltAgain();
    TreeSet<String> names = files(release.repository());
    assertThat(names).hasSizeGreaterThan(20);
    for (String name : names) {
      assertThat(Files.mismatch(release.repository().resolve(name), again.resolve(name)))
          .as("the first byte that differs in " + name)
          .isEqualTo(-1);
    }
  }

  @Test
  @DisplayName("S-08: signatures verify")
  void signaturesVerify() throws Exception {
    if (release.keys().toString().isEmpty()) {
      assertThat(System.getenv("CI")).as("gpg is missing").isNotEqualTo("true");
      assumeTrue(false, "there is no gpg here");
    }
    Path again = release.repositoryBuiltAgain();
    TreeSet<String> signed = files(again);
    signed.removeIf(name -> name.endsWith(".asc"));
    assertThat(signed).isEqualTo(files(release.repository()));
    for (String name : signed) {
      Path file = again.resolve(name);
      assertThat(GnuPg.run(release.keys(), "--verify", file + ".asc", file.toString()))
          .contains("Good signature");
    }
  }

  @ParameterizedTest
  @MethodSource("modules")
  @DisplayName("S-08: an SBOM lists the jars that a module needs at run time, and no other")
  void sbomListsTheRuntimeJars(String module) throws Exception {
    List<String> listed = new ArrayList<>();
    JsonNode sbom = new ObjectMapper().readTree(release.file(module, "-cyclonedx.json").toFile());
    for (JsonNode component : sbom.get("components")) {
      listed.add(
          "%s:%s:%s%s"
              .formatted(
                  component.get("group").asText(),
                  component.get("name").asText(),
                  component.get("version").asText(),
                  component.get("scope").asText().equals("optional") ? " (optional)" : ""));
    }
    Path runtime =
        release.sources().resolve(StagedRelease.folderOf(module)).resolve("target/runtime.txt");
    List<String> needed =
        RUNTIME_JAR
            .matcher(Files.readString(runtime))
            .results()
            .map(
                jar ->
                    jar.group(1) + ":" + jar.group(2) + (jar.group(3) == null ? "" : jar.group(3)))
            .toList();
    assertThat(needed).hasSizeGreaterThan(3);
    assertThat(listed).containsExactlyInAnyOrderElementsOf(needed);
    assertThat(sbom.at("/metadata/component/version").asText()).isEqualTo(release.version());
  }

  private static Document pom(String artifact) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(release.file(artifact, ".pom").toFile());
  }

  private static List<String> artifacts() {
    return Stream.concat(modules().stream(), Stream.of("fulmar-bom")).toList();
  }

  @ParameterizedTest
  @MethodSource("artifacts")
  void pomHasWhatACentralRepositoryAsksFor(String artifact) throws Exception {
    Element project = pom(artifact).getDocumentElement();
    for (String name :
        List.of("groupId", "name", "description", "url", "licenses", "developers", "scm")) {
      assertThat(project.getElementsByTagName(name).item(0)).as(name).isNotNull();
      assertThat(project.getElementsByTagName(name).item(0).getTextContent()).isNotBlank();
    }
    assertThat(project.getElementsByTagName("url").item(0).getTextContent())
        .isEqualTo("https://github.com/fulmar-io/fulmar");
    assertThat(project.getElementsByTagName("connection").item(0).getTextContent())
        .isEqualTo("scm:git:https://github.com/fulmar-io/fulmar.git");
  }

  @ParameterizedTest
  @MethodSource("artifacts")
  void pomStandsAloneAndNamesNoTests(String artifact) throws Exception {
    Element project = pom(artifact).getDocumentElement();
    for (String name : List.of("parent", "build", "profiles", "properties", "repositories")) {
      assertThat(project.getElementsByTagName(name).getLength()).as(name).isZero();
    }
    assertThat(Files.readString(release.file(artifact, ".pom")))
        .doesNotContain("${", "<scope>test</scope>", "SNAPSHOT");
  }

  @Test
  void bomNamesTheModulesAndNothingElse() throws Exception {
    Element project = pom("fulmar-bom").getDocumentElement();
    List<String> named = new ArrayList<>();
    for (int i = 0; i < project.getElementsByTagName("dependency").getLength(); i++) {
      Element dependency = (Element) project.getElementsByTagName("dependency").item(i);
      named.add(
          dependency.getElementsByTagName("artifactId").item(0).getTextContent()
              + ":"
              + dependency.getElementsByTagName("version").item(0).getTextContent());
    }
    assertThat(named)
        .containsExactlyInAnyOrderElementsOf(
            modules().stream().map(module -> module + ":" + release.version()).toList());
  }

  @ParameterizedTest
  @MethodSource("modules")
  void jarsHaveLicenseAndSourcesAndTheJavadocOfWhatIsExported(String module) throws Exception {
    try (ZipFile jar = new ZipFile(release.file(module, ".jar").toFile());
        ZipFile sources = new ZipFile(release.file(module, "-sources.jar").toFile());
        ZipFile javadoc = new ZipFile(release.file(module, "-javadoc.jar").toFile())) {
      assertThat(jar.getEntry("META-INF/LICENSE")).isNotNull();
      assertThat(sources.getEntry("module-info.java")).isNotNull();
      String packages = "(?:io\\.fulmar\\.\\w+/)?(io/fulmar/.*)/package-summary\\.html";
      assertThat(
              javadoc.stream()
                  .map(ZipEntry::getName)
                  .filter(name -> name.matches(packages))
                  .map(name -> name.replaceFirst(packages, "$1").replace('/', '.')))
          .isNotEmpty()
          .noneMatch(name -> name.contains(".internal"));
    }
  }
}
