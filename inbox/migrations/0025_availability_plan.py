import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0015_attempts'),
        ('inbox', '0024_most_open'),
        ('routing', '0006_examples'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AvailabilityPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hours_version', models.PositiveIntegerField()),
                ('turns_at', models.DateTimeField(blank=True, null=True)),
                ('changed_at', models.DateTimeField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account')),
                ('hours', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='routing.businesshours')),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='availability_plan', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['user__name', 'pk'],
                'indexes': [models.Index(condition=models.Q(('turns_at__isnull', False)), fields=['turns_at'], name='plan_turns')],
            },
        ),
    ]
