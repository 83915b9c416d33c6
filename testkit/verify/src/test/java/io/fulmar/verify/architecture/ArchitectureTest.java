package io.fulmar.verify.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.callMethodWhere;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Calendar;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TimeZone;
import java.util.concurrent.ForkJoinPool;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.HostnameVerifier;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.postgresql.copy.CopyManager;

/**
 * Rules that hold for the code of all published modules, read from their class files; and one for
 * their sources, since class files do not tell how a text came about. A class at the end breaks
 * several of them, so that it shows that they can be broken.
 */
@DisplayName("S-06: the published code")
class ArchitectureTest {
  private static final List<String> MODULES = List.of("core", "lightning", "tunnel", "testkit");
  private static final Path ROOT = root();

  private static JavaClasses published;
  private static JavaClasses breaking;

  @BeforeAll
  static void readClasses() {
    published =
        new ClassFileImporter()
            .importPaths(
                MODULES.stream()
                    .map(module -> ROOT.resolve(module).resolve("target/classes"))
                    .toList());
    breaking = new ClassFileImporter().importClasses(BreaksRules.class);
  }

  /** The folder of the whole project, wherever in it the test was started. */
  static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(at.resolve("testkit/verify"))) {
      at = at.getParent();
    }
    return at;
  }

  /** Holds for what is published, and would be noticed if it did not. */
  private static void hold(ArchRule rule) {
    assertThatThrownBy(() -> rule.check(breaking)).isInstanceOf(AssertionError.class);
    rule.check(published);
  }

  private static DescribedPredicate<JavaAccess<?>> of(Class<?> owner, Set<String> names) {
    return describe(
        owner.getSimpleName() + "." + names,
        access ->
            access.getTargetOwner().isAssignableTo(owner)
                && names.contains(access.getTarget().getName()));
  }

  /** Methods that look like others, which take the charset or the locale. */
  private static DescribedPredicate<JavaAccess<?>> withoutArgument(
      Class<?> owner, String name, Class<?>... parameters) {
    return describe(
        owner.getSimpleName() + "." + name + " without charset or locale",
        access ->
            access.getTargetOwner().isEquivalentTo(owner)
                && access.getTarget() instanceof AccessTarget.CodeUnitCallTarget target
                && target.getName().equals(name)
                && target.getRawParameterTypes().stream()
                    .map(JavaClass::getName)
                    .toList()
                    .equals(Stream.of(parameters).map(Class::getName).toList()));
  }

  @Test
  void theRulesSeeThePublishedClasses() {
    assertThat(published.size()).isGreaterThan(200);
    assertThat(published.contain("io.fulmar.SyncEngine")).isTrue();
    assertThat(published.contain("io.fulmar.testkit.TestPostgres")).isTrue();
  }

  @Test
  @DisplayName("ends no JVM")
  void endsNoJvm() {
    // But a process of the crash sweep, whose death is what it is for.
    DescribedPredicate<JavaClass> others =
        describe("are not LifeProcess", c -> !c.getSimpleName().equals("LifeProcess"));
    hold(noClasses().that(others).should().callMethodWhere(of(System.class, Set.of("exit"))));
    hold(
        noClasses()
            .that(others)
            .should()
            .callMethodWhere(of(Runtime.class, Set.of("exit", "halt"))));
  }

  @Test
  @DisplayName("does not depend on the charset, locale or time zone of the JVM")
  void doesNotDependOnDefaults() {
    hold(noClasses().should().callMethodWhere(of(Locale.class, Set.of("getDefault"))));
    hold(noClasses().should().dependOnClassesThat().areAssignableTo(TimeZone.class));
    hold(noClasses().should().callMethodWhere(of(java.time.ZoneId.class, Set.of("systemDefault"))));
    hold(
        noClasses()
            .should()
            .callMethodWhere(of(java.nio.charset.Charset.class, Set.of("defaultCharset"))));
    hold(noClasses().should().callMethodWhere(withoutArgument(String.class, "getBytes")));
    hold(noClasses().should().callMethodWhere(withoutArgument(String.class, "toLowerCase")));
    hold(noClasses().should().callMethodWhere(withoutArgument(String.class, "toUpperCase")));
    hold(
        noClasses()
            .should()
            .callMethodWhere(
                withoutArgument(String.class, "format", String.class, Object[].class)));
    hold(
        noClasses()
            .should()
            .callConstructorWhere(withoutArgument(String.class, "<init>", byte[].class)));
  }

  @Test
  @DisplayName("has no dates of java.util")
  void hasNoDatesOfJavaUtil() {
    // Certificates of the JDK and of sshj tell their dates in no other form.
    Set<String> readers = Set.of("WatchedTrust", "HostCertificate");
    hold(
        noClasses()
            .that(describe("read no certificates", c -> !readers.contains(c.getSimpleName())))
            .should()
            .dependOnClassesThat()
            .areAssignableTo(Date.class));
    hold(noClasses().should().dependOnClassesThat().areAssignableTo(Calendar.class));
  }

  @Test
  @DisplayName("trusts no server blindly")
  void trustsNoServerBlindly() {
    // What stands there watches the JVM's own verification; only `Unverified` replaces it, and only
    // for who asked for it by name.
    hold(
        noClasses()
            .that()
            .resideOutsideOfPackage("io.fulmar.internal.postgres")
            .should()
            .implement(HostnameVerifier.class));
    hold(
        noClasses()
            .that()
            .resideOutsideOfPackage("io.fulmar.internal.postgres")
            .should()
            .beAssignableTo(X509TrustManager.class));
    noClasses()
        .that(
            describe(
                "are neither TlsContext nor Unverified",
                c -> !Set.of("TlsContext", "Unverified").contains(c.getSimpleName())))
        .should()
        .dependOnClassesThat()
        .haveSimpleName("Unverified")
        .check(published);
    noClasses()
        .should()
        .dependOnClassesThat()
        .haveNameMatching(".*(NonValidating|Promiscuous|TrustAll).*")
        .check(published);
  }

  @Test
  @DisplayName("never sleeps, and works on its own threads")
  void worksOnItsOwnThreads() {
    hold(noClasses().should().callMethodWhere(of(Thread.class, Set.of("sleep"))));
    hold(noClasses().should().callMethodWhere(of(ForkJoinPool.class, Set.of("commonPool"))));
    hold(
        noClasses()
            .should()
            .callMethodWhere(of(java.util.Collection.class, Set.of("parallelStream"))));
  }

  @Test
  @DisplayName("reads error codes of PostgreSQL in one class")
  void readsErrorCodesInOneClass() {
    ArchRule rule =
        noClasses()
            .that(describe("are not SqlStates", c -> !c.getSimpleName().equals("SqlStates")))
            .should()
            .callMethodWhere(of(SQLException.class, Set.of("getSQLState")));
    hold(rule);
  }

  @Test
  @DisplayName("runs statements where SQL is at home")
  void runsStatementsWhereSqlIsAtHome() {
    DescribedPredicate<JavaAccess<?>> runs =
        of(Connection.class, Set.of("prepareStatement", "prepareCall", "nativeSQL"))
            .or(of(Statement.class, Set.of("execute", "executeQuery", "executeUpdate", "addBatch")))
            .or(of(CopyManager.class, Set.of("copyIn", "copyOut")));
    ArchRule rule =
        classes()
            .that()
            .resideOutsideOfPackages(
                "io.fulmar.internal.hash..",
                "io.fulmar.internal.source..",
                "io.fulmar.internal.postgres..",
                "io.fulmar.internal.destination..",
                "io.fulmar.internal.check..",
                "io.fulmar.lightning.internal..",
                "io.fulmar.testkit..")
            .should(
                com.tngtech.archunit.lang.conditions.ArchConditions.never(callMethodWhere(runs)));
    hold(rule);
  }

  @Test
  @DisplayName("F-04: keeps no statement in the server, where a pooler would not find it again")
  void keepsNoStatementInTheServer() {
    ArchRule rule =
        noClasses()
            .that(describe("are not OneShot", c -> !c.getSimpleName().equals("OneShot")))
            .and()
            .resideOutsideOfPackage("io.fulmar.testkit..")
            .should()
            .callMethodWhere(of(Connection.class, Set.of("prepareStatement")));
    hold(rule);
  }

  @Test
  @DisplayName("glues no SQL: what a statement is made of holds no plus sign")
  void gluesNoSql() throws IOException {
    Pattern glued =
        Pattern.compile(
            "\\.(?:execute|executeQuery|executeUpdate|prepareStatement|copyIn|copyOut|addBatch)"
                + "\\(\\s*(?:\"[^\"]*\"|[^\";{])*?(?<![+])\\+(?![+])[^;]*;");
    assertThat(glued.matcher("s.execute(\"drop table \" + name);").find()).isTrue();
    assertThat(glued.matcher("s.execute(DROP + name);").find()).isTrue();
    assertThat(glued.matcher("s.execute(DROP.sql()); a = b + c;").find()).isFalse();
    List<String> found = new ArrayList<>();
    for (String module : List.of("core", "lightning", "tunnel")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          String text = Files.readString(file);
          if (text.contains("import java.sql.") || text.contains("import org.postgresql.copy.")) {
            Matcher matcher = glued.matcher(text);
            while (matcher.find()) {
              found.add(file.getFileName() + ": " + matcher.group().strip());
            }
          }
        }
      }
    }
    assertThat(found).isEmpty();
  }

  @Test
  @DisplayName("G-04: formats numbers in no language, which may have digits of its own")
  void formatsNumbersInNoLanguage() throws IOException {
    Pattern number = Pattern.compile("%(?:\\d\\$)?[-+ 0,(]*[\\d.]*[dfeg](?![a-z])");
    assertThat(number.matcher("key_%d").find()).isTrue();
    assertThat(number.matcher("%1$,d of %.1f s").find()).isTrue();
    assertThat(number.matcher("%s of 5%").find()).isFalse();
    List<String> found = new ArrayList<>();
    for (String module : MODULES) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          String text = Files.readString(file);
          // One that hands on formats does so under no language, if it formats at all.
          boolean handsOn = text.contains("String.format(Locale.ROOT, format, arguments)");
          Matcher matcher = number.matcher(text);
          while (!handsOn && matcher.find()) {
            int from = Math.max(0, matcher.start() - 200);
            if (!text.substring(from, matcher.start()).contains("Locale.ROOT")) {
              found.add(file.getFileName() + ": " + matcher.group());
            }
          }
        }
      }
    }
    assertThat(found).as("write %s, or String.format(Locale.ROOT, ...)").isEmpty();
  }

  @Test
  @DisplayName("shows no internal type, and its SPI knows of none")
  void showsNoInternalType() {
    DescribedPredicate<JavaClass> internal =
        describe("internal", c -> c.getPackageName().contains(".internal"));
    noClasses()
        .that()
        .resideInAPackage("io.fulmar.spi..")
        .should()
        .dependOnClassesThat(internal)
        .check(published);
    ArchRule rule =
        classes()
            .that(describe("are exported", c -> c.getModifiers().contains(JavaModifier.PUBLIC)))
            .and()
            .resideOutsideOfPackage("..internal..")
            .should(
                new ArchCondition<JavaClass>("name no internal type in a signature") {
                  @Override
                  public void check(JavaClass type, ConditionEvents events) {
                    for (JavaMember member : type.getMembers()) {
                      if (isShown(member) && types(member).anyMatch(internal)) {
                        events.add(SimpleConditionEvent.violated(type, member.getFullName()));
                      }
                    }
                  }
                });
    hold(rule);
  }

  private static boolean isShown(JavaMember member) {
    return member.getModifiers().contains(JavaModifier.PUBLIC)
        || member.getModifiers().contains(JavaModifier.PROTECTED);
  }

  private static Stream<JavaClass> types(JavaMember member) {
    List<JavaType> types = new ArrayList<>();
    if (member instanceof JavaField field) {
      types.add(field.getType());
    } else if (member instanceof JavaCodeUnit unit) {
      types.add(unit.getReturnType());
      types.addAll(unit.getParameterTypes());
      types.addAll(unit.getExceptionTypes());
    }
    return types.stream().flatMap(type -> type.getAllInvolvedRawTypes().stream());
  }

  @Test
  @DisplayName("has no cycle between its internal packages")
  void hasNoCycles() {
    // A check works on the threads that RunnerSettings names, and the engine in `run` calls it.
    slices()
        .matching("io.fulmar.internal.(*)..")
        .should()
        .beFreeOfCycles()
        .ignoreDependency(
            resideInAPackage("io.fulmar.internal.check.."),
            resideInAPackage("io.fulmar.internal.run.."))
        .check(published);
  }

  @Test
  @DisplayName("knows nothing of what tests it")
  void knowsNothingOfItsTests() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.fulmar.verify..", "io.fulmar.harness..")
        .check(published);
    // The testkit has extensions, rules and assertions for users of these.
    noClasses()
        .that()
        .resideOutsideOfPackage("io.fulmar.testkit..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.junit..", "org.assertj..", "org.testcontainers..")
        .check(published);
    noClasses()
        .that()
        .resideOutsideOfPackage("io.fulmar.testkit..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.fulmar.testkit..")
        .check(published);
  }
}
