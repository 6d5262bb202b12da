-- Caps and covariates of metrics: what a unit did before its first exposure, and their exact sums per arm.

ALTER TABLE unit_values
  ADD COLUMN capped boolean NOT NULL DEFAULT false,  -- y was cut at the metric's cap
  ADD COLUMN x      numeric NOT NULL DEFAULT 0,      -- numerator before the first exposure
  ADD COLUMN has_x  boolean NOT NULL DEFAULT false;  -- some event made x

ALTER TABLE metric_cells
  ADD COLUMN capped bigint  NOT NULL DEFAULT 0,      -- counted units whose y was cut
  ADD COLUMN with_x bigint  NOT NULL DEFAULT 0,      -- counted units with data before their first exposure
  ADD COLUMN sum_x  numeric NOT NULL DEFAULT 0,
  ADD COLUMN sum_xx numeric NOT NULL DEFAULT 0,
  ADD COLUMN sum_xy numeric NOT NULL DEFAULT 0;

-- Stored definitions have every field.
UPDATE metrics SET definition = ('{"winsorizeAt": null, "winsorizePercentile": null, "threshold": null,
  "covariate": null, "quantile": null}'::jsonb || definition::jsonb);
