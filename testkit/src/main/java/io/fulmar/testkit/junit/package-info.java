/**
 * The testkit in JUnit Jupiter, 5.12 or later: {@link PostgresTest} gives a test class a database.
 * It needs {@code org.junit.jupiter:junit-jupiter-api}, which tests with Jupiter have.
 */
@NullMarked
package io.fulmar.testkit.junit;

import org.jspecify.annotations.NullMarked;
