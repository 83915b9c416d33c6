/**
 * AssertJ assertions for what runs report, plan and deliver, entered by {@link
 * io.fulmar.testkit.assertj.FulmarAssertions}; needs assertj-core, which the testkit does not
 * bring.
 */
@NullMarked
package io.fulmar.testkit.assertj;

import org.jspecify.annotations.NullMarked;
